import { signOfLifeFault } from './lib/sign-of-life.ts';
import { progressFile } from './model/names.ts';

/** The health check in the images of controller and extension. It is started every few seconds, so it loads next to nothing. */
const fault = signOfLifeFault(progressFile, Date.now());
if (fault !== undefined) {
  process.stderr.write(`${fault}\n`);
  process.exitCode = 1;
}
