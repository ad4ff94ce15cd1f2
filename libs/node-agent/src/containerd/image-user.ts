/**
 * The user that an image names: `uid`, `uid:gid`, `name` or `name:group`; nothing is the superuser. The files of the image are
 * read only where a name is to be looked up. undefined for a name that they lack.
 */
export function parseUser(
  text: string,
  passwd: () => string,
  group: () => string,
): { readonly uid: number; readonly gid: number } | undefined {
  const [user = '', groupName] = text.split(':');
  if (user === '') return { uid: 0, gid: 0 };
  const entry = lineOf(passwd(), user, /^\d+$/.test(user) ? 2 : 0);
  const uid = /^\d+$/.test(user) ? Number(user) : toNumber(entry?.[2]);
  if (uid === undefined) return undefined;
  if (groupName === undefined) return { uid, gid: toNumber(entry?.[3]) ?? 0 };
  const gid = /^\d+$/.test(groupName) ? Number(groupName) : toNumber(lineOf(group(), groupName, 0)?.[2]);
  return gid === undefined ? undefined : { uid, gid };
}

function lineOf(file: string, value: string, column: number): readonly string[] | undefined {
  return file
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[column] === value);
}

function toNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
