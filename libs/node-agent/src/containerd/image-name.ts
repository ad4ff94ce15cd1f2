/** The full name of an image, as containerd keeps it: with its registry, and with a tag where there is no digest. */
export function fullImageName(reference: string): string {
  const [first = '', ...rest] = reference.split('/');
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const path = hasRegistry ? reference : `docker.io/${rest.length > 0 ? '' : 'library/'}${reference}`;
  const last = path.slice(path.lastIndexOf('/') + 1);
  return last.includes(':') || last.includes('@') ? path : `${path}:latest`;
}

/** The same image by the digest of its manifest: what a tag names now, and for ever. */
export function imageNameAt(reference: string, digest: string): string {
  const name = fullImageName(reference).replace(/@.*$/, '');
  return `${name.replace(/:[^:/]*$/, '')}@${digest}`;
}
