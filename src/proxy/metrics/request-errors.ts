import { MOST_ERRORS, type RequestError } from '../../model/traffic.ts';

/** The log format of failed requests, in nginx's syntax. A JSON object in each line. */
export const ERROR_FORMAT = [
  '{"at":$msec,"host":"$server_name","route":"$route_path","request":"$request_method $request_uri","status":$status,"id":"$reqid",',
  '"address":"$upstream_addr","upstreamStatus":"$upstream_status","connectTime":"$upstream_connect_time",',
  '"headerTime":"$upstream_header_time"}',
].join('');

const MOST_PATH = 300;
const MOST_ATTEMPTS = 500;

/** Keeps the newest failed requests from the lines of their log. */
export class RequestErrors {
  #errors: RequestError[] = [];
  lost = 0;

  /** Takes complete lines. Only the newest ones are parsed. */
  take(text: string): void {
    const lines = text.split('\n').slice(-MOST_ERRORS - 1, -1);
    this.#errors.push(...lines.flatMap((line) => parse(line) ?? []));
    this.#errors = this.#errors.slice(-MOST_ERRORS);
  }

  /** All since the last call, the oldest first. */
  takeErrors(): readonly RequestError[] {
    const errors = this.#errors;
    this.#errors = [];
    return errors;
  }
}

function parse(line: string): RequestError | undefined {
  try {
    const { at, request, address, upstreamStatus, connectTime, headerTime, ...error } = JSON.parse(
      Buffer.from(line, 'latin1').toString(),
    ) as RequestError;
    return {
      ...error,
      at: Math.round(at * 1000),
      // Queries may contain secrets.
      request: request.replace(/\?.*/s, '').slice(0, MOST_PATH),
      address: ending(address),
      upstreamStatus: ending(upstreamStatus),
      connectTime: ending(connectTime),
      headerTime: ending(headerTime),
    };
  } catch {
    return undefined;
  }
}

/** Of many attempts, the last ones. */
function ending(attempts: string): string {
  return attempts.slice(-MOST_ATTEMPTS);
}
