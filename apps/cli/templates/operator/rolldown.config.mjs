/** The whole operator as one file, for its image. */
export default {
  input: 'src/main.ts',
  platform: 'node',
  // Loaded only for kubeconfigs with credential plug-ins, which a pod does not have.
  external: [/^@kubernetes\//],
  resolve: { conditionNames: ['@sluice/source', 'node', 'import', 'default'] },
  output: { file: 'dist/main.mjs', format: 'esm', codeSplitting: false },
};
