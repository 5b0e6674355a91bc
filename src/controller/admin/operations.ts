import { z } from 'zod';
import type { Role } from '../../model/access/roles.ts';
import { certificateSchema, renewalSchema } from './certificates.ts';
import { doctorSchema } from './doctor.ts';
import { hostSchema } from './hosts.ts';
import { logsQuery, logsSchema } from './logs.ts';
import { planSchema } from './plan.ts';
import {
  allowSchema,
  auditEntrySchema,
  createdTokenSchema,
  credentialsSchema,
  explainedDetails,
  explainedUrlSchema,
  explanationSchema,
  interlockSchema,
  keptVersionSchema,
  methodsSchema,
  oidcAnswerSchema,
  oidcFlowSchema,
  sessionTokenSchema,
  tokenRequestSchema,
  tokenSchema,
  tokenViewSchema,
  userSchema,
  usersSchema,
  versionChangesSchema,
} from './requests.ts';
import { stateSchema } from './state.ts';
import { trafficQuery, trafficSchema } from './traffic.ts';
import { tryBody, trySchema } from './try-route.ts';

export interface Operation {
  readonly summary: string;
  /** The minimum role; `open` requires no sign-in. */
  readonly access: Role | 'open';
  /**
   * Whether API tokens of one cluster may use the operation: `path` on the cluster in the path, `target` on a host or service of no other
   * cluster, `answer` with an answer limited to their cluster. By default they may not.
   */
  readonly ofCluster?: 'path' | 'target' | 'answer';
  /** Requires a user: an API token must not create tokens that outlive it. */
  readonly usersOnly?: true;
  readonly body?: z.ZodType;
  /** Undefined: 204 without a body. */
  readonly answer?: z.ZodType | 'text/plain' | 'text/event-stream';
  /** Accepts basic authentication and no page session. */
  readonly basic?: true;
  /** Query parameters. */
  readonly query?: Readonly<Record<string, z.ZodType>>;
}

const interlock = {
  get: { summary: 'Show whether layer 7 routing is on, and its ports', access: 'viewer', answer: interlockSchema },
  post: {
    access: 'operator',
    summary: 'Turn layer 7 routing on or change its ports; 409 names the service that uses a port',
    body: interlockSchema,
    answer: interlockSchema,
  },
  delete: { summary: 'Turn layer 7 routing off', access: 'operator', answer: interlockSchema },
} as const;

/** Every route of the API and the role it requires. A test compares this list with the app's routes. */
export const operations: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  '/healthz': {
    get: {
      summary: 'Health check: 200 while passes succeed, else 503',
      access: 'open',
      answer: z.object({ healthy: z.boolean() }),
    },
  },
  '/auth/login': {
    post: {
      summary: 'Create a bearer token for scripts',
      access: 'open',
      body: credentialsSchema,
      answer: tokenSchema,
    },
  },
  '/auth/methods': { get: { summary: 'List the sign-in methods of the page', access: 'open', answer: methodsSchema } },
  '/auth/session': {
    post: {
      summary: 'Create a session for the page: a cookie and a token for the header X-Signalbox-Session',
      access: 'open',
      body: credentialsSchema,
      answer: sessionTokenSchema,
    },
    delete: {
      summary: 'Sign out: end the session of the bearer token, or of the cookie and its token',
      access: 'open',
    },
  },
  '/auth/oidc': {
    post: { summary: 'Start a sign-in through OpenID Connect', access: 'open', answer: oidcFlowSchema },
  },
  '/auth/oidc/session': {
    post: {
      summary: "Exchange the OpenID provider's response for a page session",
      access: 'open',
      body: oidcAnswerSchema,
      answer: sessionTokenSchema,
    },
  },
  '/metrics': {
    get: {
      summary: 'Expose Prometheus metrics; accepts basic authentication or a bearer token',
      access: 'viewer',
      basic: true,
      answer: 'text/plain',
    },
  },
  '/api/user': {
    get: { summary: 'Show the signed-in user', access: 'viewer', ofCluster: 'answer', answer: userSchema },
  },
  '/api/users': { get: { summary: 'List users and their roles', access: 'administrator', answer: usersSchema } },
  '/api/tokens': {
    get: {
      summary: 'List API tokens, the newest first',
      access: 'administrator',
      usersOnly: true,
      answer: z.array(tokenViewSchema),
    },
    post: {
      summary: 'Create an API token; it is shown only in this answer',
      access: 'administrator',
      usersOnly: true,
      body: tokenRequestSchema,
      answer: createdTokenSchema,
    },
  },
  '/api/tokens/{token}': {
    delete: { summary: 'Revoke an API token and end its event streams', access: 'administrator', usersOnly: true },
  },
  '/api/openapi.json': {
    get: { summary: 'Show this document', access: 'viewer', ofCluster: 'answer', answer: z.unknown() },
  },
  '/api/state': {
    get: {
      summary: 'Show the state: clusters, routes, services, problems and their health',
      access: 'viewer',
      ofCluster: 'answer',
      answer: stateSchema,
    },
  },
  '/api/certificates': {
    get: {
      summary:
        'List certificates: those that are ordered from ACME servers, and those in secrets that labels or the settings name',
      access: 'viewer',
      answer: z.array(certificateSchema),
    },
  },
  '/api/certificates/{name}/renewal': {
    post: {
      summary:
        'Order a certificate now, before it is due; 409 if an order is under way, or if the CA or a budget does not allow one',
      access: 'operator',
      answer: renewalSchema,
    },
  },
  '/api/hosts': {
    get: {
      summary: 'List hosts with their nodes and certificates, for programs that manage DNS records',
      access: 'viewer',
      ofCluster: 'answer',
      answer: z.array(hostSchema),
    },
  },
  '/api/hosts/events': {
    get: {
      summary:
        'Stream events: `hosts` with the new list of hosts after each change, `seen` after a check without a change',
      access: 'viewer',
      ofCluster: 'answer',
      answer: 'text/event-stream',
    },
  },
  '/api/internal-ca': {
    get: {
      summary: 'Show the root certificate of the issuer `internal`, in PEM format',
      access: 'viewer',
      answer: 'text/plain',
    },
  },
  '/api/audit': {
    get: {
      summary: 'List changes by administrators and failed sign-in attempts, the newest first',
      access: 'viewer',
      answer: z.array(auditEntrySchema),
    },
  },
  '/api/events': {
    get: {
      summary:
        'Stream events: `state` with the new state after each change, `seen` after a check without a change, `traffic` after each step of `/api/traffic`',
      access: 'viewer',
      ofCluster: 'answer',
      answer: 'text/event-stream',
    },
  },
  '/api/traffic': {
    get: {
      summary: 'Show requests, their results and times: of everything, a cluster, host, route or task',
      access: 'viewer',
      ofCluster: 'answer',
      query: trafficQuery,
      answer: trafficSchema,
    },
  },
  '/api/explain': {
    get: {
      summary: 'Explain which route of each cluster serves a URL, and why other routes do not',
      access: 'viewer',
      ofCluster: 'answer',
      query: { url: explainedUrlSchema, ...explainedDetails },
      answer: z.array(explanationSchema),
    },
  },
  '/api/try': {
    post: {
      summary: 'Send a GET request for a URL that a route serves to a node of the swarm, and report each step',
      access: 'operator',
      body: tryBody,
      answer: trySchema,
    },
  },
  '/api/logs': {
    get: {
      summary: 'Show lines of the access log about a host, from all proxies; asks again with `cursor` for later lines',
      access: 'operator',
      ofCluster: 'answer',
      query: logsQuery,
      answer: logsSchema,
    },
  },
  '/api/doctor': {
    get: {
      summary: 'Check the swarm: nodes, ports, clocks, engines, certificates, unused secrets. Connects to the nodes',
      access: 'operator',
      answer: doctorSchema,
    },
  },
  '/api/plan': {
    get: {
      summary: 'Show what the controller would do now, each action with a sentence; changes nothing',
      access: 'viewer',
      ofCluster: 'answer',
      answer: planSchema,
    },
  },
  '/api/interlock': interlock,
  '/api/hrm': interlock,
  '/api/maintenance': {
    get: {
      summary: 'List hosts and services under maintenance',
      access: 'viewer',
      ofCluster: 'answer',
      answer: stateSchema.unwrap().shape.maintenance,
    },
  },
  '/api/maintenance/hosts/{host}': {
    put: {
      summary: 'Start maintenance of a host: it answers 503 with Retry-After',
      access: 'operator',
      ofCluster: 'target',
      body: allowSchema,
    },
    delete: { summary: 'End maintenance of a host', access: 'operator', ofCluster: 'target' },
  },
  '/api/maintenance/services/{service}': {
    put: {
      summary: 'Start maintenance of all routes of a service',
      access: 'operator',
      ofCluster: 'target',
      body: allowSchema,
    },
    delete: { summary: 'End maintenance of a service', access: 'operator', ofCluster: 'target' },
  },
  '/api/clusters/{cluster}/versions': {
    get: {
      summary: 'List kept versions of the configuration, the newest first',
      access: 'viewer',
      ofCluster: 'path',
      answer: z.array(keptVersionSchema),
    },
  },
  '/api/clusters/{cluster}/versions/{version}': {
    get: {
      summary: 'Show the nginx configuration of a version',
      access: 'viewer',
      ofCluster: 'path',
      answer: 'text/plain',
    },
  },
  '/api/clusters/{cluster}/versions/{version}/changes': {
    get: {
      summary: 'Show what a roll-back to a version would change: hosts that appear and disappear, and changed routes',
      access: 'viewer',
      ofCluster: 'path',
      query: { from: z.string().max(64).describe('The version to compare with. Default: the served version.') },
      answer: versionChangesSchema,
    },
  },
  '/api/clusters/{cluster}/versions/{version}/hold': {
    put: {
      summary: 'Roll back to a version and hold it; new changes are queued',
      access: 'operator',
      ofCluster: 'path',
    },
  },
  '/api/clusters/{cluster}/hold': {
    delete: { summary: 'Release the cluster: queued changes roll out', access: 'operator', ofCluster: 'path' },
  },
};
