import type { Effect } from '../features/features.ts';
import type { RedirectStatus } from '../redirects.ts';

/** Explains which route of a cluster answers a URL, and why others do not. Computed without a request to the proxies. */
export interface Explanation {
  /** The parsed URL: complete, with the host as routes are matched against it. */
  readonly url: string;
  readonly answer: Answer;
  /** The steps that led to the answer, a sentence each. */
  readonly because: readonly string[];
  /** Routes that could have answered as well, the closest first. */
  readonly passedOver: readonly PassedOver[];
  /** What labels of the route do to the request, in the order in which it meets them. Empty if no task receives it. */
  readonly effects: readonly Effect[];
  /** Labels of the route that the settings set, not its services. */
  readonly fromSettings: readonly SettingsValue[];
}

export interface SettingsValue {
  readonly service: string;
  /** Name after the prefix. */
  readonly label: string;
  readonly value: string;
  /** `policy office`, or a table of the settings. */
  readonly from: string;
}

export type Answer =
  /** A task of the route's services receives `requestUri`; '' for a TCP or UDP connection. */
  | { readonly kind: 'service'; readonly route: ExplainedRoute; readonly requestUri: string }
  | { readonly kind: 'redirect'; readonly status: RedirectStatus; readonly location: string }
  /** 503: the route has no tasks. */
  | { readonly kind: 'unavailable'; readonly route: ExplainedRoute }
  /** 503 to all clients that are not on the list: under maintenance. */
  | { readonly kind: 'maintenance'; readonly allow: readonly string[] }
  /** 404: the host has routes, but none for this path. */
  | { readonly kind: 'no-path' }
  /** 503: no route has the host. */
  | { readonly kind: 'no-host' }
  /** 400: the path leads above the root. */
  | { readonly kind: 'bad-request' }
  /** The TLS handshake is rejected. */
  | { readonly kind: 'no-certificate' }
  /** A TCP or UDP connection that is refused, or closed. */
  | { readonly kind: 'refused' };

/** Whether a route has the host of the URL, or a service its port. */
export function knowsHost({ kind }: Pick<Answer, 'kind'>): boolean {
  return kind !== 'no-host' && kind !== 'refused';
}

export interface ExplainedRoute {
  /** The host as the service wrote it; `*` for all unknown hosts. */
  readonly host: string;
  /** Prefix of the path; `/` matches every path. */
  readonly path: string;
  /** Its conditions, as the label `match` writes them. Absent: all requests. */
  readonly match?: string;
  /** Names of the owners, the oldest first. */
  readonly services: readonly string[];
}

export interface PassedOver {
  readonly route: ExplainedRoute;
  readonly reason: string;
}
