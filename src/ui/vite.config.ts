import { defineConfig } from 'vite';

const controller = process.env.SIGNALBOX_URL ?? 'https://127.0.0.1:9443';
/** Its certificate is its own, and it takes changes from its own page alone. */
const toController = { target: controller, secure: false, changeOrigin: true, headers: { origin: controller } };

export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: '../../dist/ui',
    emptyOutDir: true,
    target: ['chrome125', 'firefox128', 'safari18'],
    // The page's policy takes scripts and styles from files alone.
    assetsInlineLimit: 0,
    modulePreload: false,
  },
  // Without names of files: tests build the page outside production too.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
  server: { proxy: { '/api/': toController, '/auth/': toController } },
});
