import { signOfLifeFault } from '../lib/sign-of-life.ts';
import { progressFile } from '../model/names.ts';

/** The health check in the images of the controller and the extension. It runs every few seconds, so it loads as little as possible. */
const fault = signOfLifeFault(progressFile, Date.now());
if (fault !== undefined) {
  process.stderr.write(`${fault}\n`);
  process.exitCode = 1;
}
