// The TOML language server of the editor extension Even Better TOML, as a process with standard streams.
import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import taplo from '@taplo/lsp';
import { frame, readFrames } from './rpc-frames.ts';

const environment = {
  now: () => new Date(),
  envVar: () => undefined,
  envVars: () => [],
  stdErrAtty: () => false,
  stdin: async () => new Uint8Array(),
  stdout: async (bytes) => bytes.length,
  stderr: async (bytes) => bytes.length,
  glob: () => [],
  readFile: (path) => readFile(path),
  writeFile: async () => undefined,
  // Documents outside of all folders have URLs of its own.
  urlToFilePath: (url) => (url.startsWith('file:') ? fileURLToPath(url) : new URL(url).pathname),
  isAbsolute,
  cwd: () => process.cwd(),
  findConfigFile: () => undefined,
  fetch: { fetch, Headers, Request, Response },
};

const server = await taplo.TaploLsp.initialize(environment, {
  onMessage: (message) => void process.stdout.write(frame(message)),
});
process.stdin.on(
  'data',
  readFrames((message) => server.send(message)),
);
