import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The image in SIGNALBOX_NGINX_IMAGE, or the newest proxy image that was built here. */
export async function proxyImage(): Promise<string> {
  const named = process.env.SIGNALBOX_NGINX_IMAGE;
  if (named) return named;
  const format = '{{.Repository}}:{{.Tag}}';
  const { stdout } = await promisify(execFile)('docker', ['images', 'signalbox/proxy', '--format', format]);
  const [newest] = stdout.split('\n');
  if (!newest) throw new Error('Image signalbox/proxy not found: npm test builds it first.');
  return newest;
}
