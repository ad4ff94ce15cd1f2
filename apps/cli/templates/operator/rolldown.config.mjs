/** Packages that are loaded only when they are needed become part of the file too: a bundler cannot see through createRequire. */
const lateRequires = {
  name: 'late-requires',
  transform: (code) =>
    code.includes('createRequire(import.meta.url)(')
      ? code.replaceAll(/createRequire\(import\.meta\.url\)\(/g, 'require(')
      : undefined,
};

/** The whole operator as one file, for its image. */
export default {
  input: 'src/main.ts',
  platform: 'node',
  plugins: [lateRequires],
  // Loaded only for kubeconfigs with credential plug-ins, which a pod does not have.
  external: [/^@kubernetes\//],
  resolve: { conditionNames: ['@sluice/source', 'node', 'import', 'default'] },
  output: { file: 'dist/main.mjs', format: 'esm', codeSplitting: false },
};
