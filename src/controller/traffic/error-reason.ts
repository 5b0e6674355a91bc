import { STATUS_SERVER } from '../../model/proxy-places.ts';
import type { RequestError } from '../../model/traffic.ts';

/** Why a request was answered with 5xx, from nginx's variables about the attempts. */
export function errorReason({
  status,
  address,
  upstreamStatus,
  connectTime,
  headerTime,
}: Omit<RequestError, 'id'>): string {
  if (address === '') return status === 503 ? 'The route is closed, or no service answers' : 'nginx could not answer';
  const [statuses, connects, headers] = [upstreamStatus, connectTime, headerTime].map(attempts);
  const last = lastAttempt({ status, address, upstreamStatus });
  if (!/:\d+$/.test(attempts(address)[last] ?? '')) return 'No task is running';
  if (statuses![last] === '504')
    return isTime(connects![last]) ? 'The task did not answer in time' : 'Connecting to the task timed out';
  if (isTime(headers![last])) return `The task answered ${statuses![last] ?? status}`;
  return isTime(connects![last])
    ? 'The task closed the connection without a valid answer'
    : 'The task refused the connection';
}

/** The address of the task that was tried last; null if there was none. */
export function triedTask(error: Pick<RequestError, 'status' | 'address' | 'upstreamStatus'>): string | null {
  const task = attempts(error.address)[lastAttempt(error)] ?? '';
  return /:\d+$/.test(task) ? task : null;
}

/** The last attempt to reach the application; -1 if there was none. */
function lastAttempt({
  status,
  address,
  upstreamStatus,
}: Pick<RequestError, 'status' | 'address' | 'upstreamStatus'>): number {
  const addresses = attempts(address);
  const statuses = attempts(upstreamStatus);
  const isTask = (one: string) => !one.startsWith(STATUS_SERVER);
  const last = addresses.findLastIndex(isTask);
  const before = addresses.slice(0, Math.max(last, 0)).findLastIndex(isTask);
  // Another service answered with its error page, which has the status of the application's answer.
  const isPage = before >= 0 && /^\d+$/.test(statuses[last] ?? '') && Number(statuses[last]) !== status;
  return isPage ? before : last;
}

/** `10.0.0.3:80, 10.0.0.4:80 : 10.0.0.5:80` */
function attempts(text: string): string[] {
  return text.split(/, | : /).map((one) => one.trim());
}

function isTime(text: string | undefined): boolean {
  return text !== undefined && /^\d+\.\d+$/.test(text);
}
