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
  const last = attempts(address).findLastIndex((one) => !one.startsWith(STATUS_SERVER));
  if (!/:\d+$/.test(attempts(address)[last] ?? '')) return 'No task is running';
  if (statuses![last] === '504')
    return isTime(connects![last]) ? 'The task did not answer in time' : 'Connecting to the task timed out';
  if (isTime(headers![last])) return `The task answered ${statuses![last] ?? status}`;
  return isTime(connects![last])
    ? 'The task closed the connection without a valid answer'
    : 'The task refused the connection';
}

/** The address of the task that was tried last; null if there was none. */
export function triedTask({ address }: Pick<RequestError, 'address'>): string | null {
  return attempts(address).findLast((one) => /:\d+$/.test(one) && !one.startsWith(STATUS_SERVER)) ?? null;
}

/** `10.0.0.3:80, 10.0.0.4:80 : 10.0.0.5:80` */
function attempts(text: string): string[] {
  return text.split(/, | : /).map((one) => one.trim());
}

function isTime(text: string | undefined): boolean {
  return text !== undefined && /^\d+\.\d+$/.test(text);
}
