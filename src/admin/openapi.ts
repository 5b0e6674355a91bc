import { z } from 'zod';
import { type Role, roleMeanings } from '../model/roles.ts';
import { problemDetailsSchema } from './problem-details.ts';
import {
  allowSchema,
  auditEntrySchema,
  createdTokenSchema,
  credentialsSchema,
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
} from './requests.ts';
import { stateSchema } from './state.ts';

export interface Operation {
  readonly summary: string;
  /** The least role that it requires; `open` requires no sign-in. */
  readonly access: Role | 'open';
  /**
   * Whether API tokens of one cluster may use it: on the cluster in the path, on a host or service of no other cluster, or for an answer
   * that has only what is of their cluster. By default they may not.
   */
  readonly ofCluster?: 'path' | 'target' | 'answer';
  /** Requires a user: an API token must not make others that outlive it. */
  readonly usersOnly?: true;
  readonly body?: z.ZodType;
  /** Undefined: 204 without a body. */
  readonly answer?: z.ZodType | 'text/plain' | 'text/event-stream';
  /** Accepts basic authentication, and no session of the page. */
  readonly basic?: true;
  /** Parameters of the query. */
  readonly query?: Readonly<Record<string, z.ZodType>>;
}

const interlock = {
  get: { summary: 'Whether layer 7 routing is on, and its ports', access: 'viewer', answer: interlockSchema },
  post: {
    access: 'operator',
    summary: 'Switch it on, or change its ports; 409 names the service that holds a port',
    body: interlockSchema,
    answer: interlockSchema,
  },
  delete: { summary: 'Switch it off', access: 'operator', answer: interlockSchema },
} as const;

/** Every route of the API, and who may use it. A test compares it with those of the app. */
export const operations: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  '/healthz': {
    get: { summary: '200 while passes succeed, else 503', access: 'open', answer: z.object({ healthy: z.boolean() }) },
  },
  '/auth/login': {
    post: { summary: 'A bearer token for scripts', access: 'open', body: credentialsSchema, answer: tokenSchema },
  },
  '/auth/methods': { get: { summary: 'How the page lets users sign in', access: 'open', answer: methodsSchema } },
  '/auth/session': {
    post: {
      summary: 'A session for the page: a cookie, and a token for the header X-Signalbox-Session',
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
    post: { summary: 'Begin to sign in through OpenID Connect', access: 'open', answer: oidcFlowSchema },
  },
  '/auth/oidc/session': {
    post: {
      summary: 'A session for the page, for the answer of the OpenID provider',
      access: 'open',
      body: oidcAnswerSchema,
      answer: sessionTokenSchema,
    },
  },
  '/metrics': {
    get: {
      summary: 'Metrics for Prometheus, by basic authentication or bearer token',
      access: 'viewer',
      basic: true,
      answer: 'text/plain',
    },
  },
  '/api/user': { get: { summary: 'Who is signed in', access: 'viewer', ofCluster: 'answer', answer: userSchema } },
  '/api/users': { get: { summary: 'Users and their roles', access: 'administrator', answer: usersSchema } },
  '/api/tokens': {
    get: {
      summary: 'API tokens, the newest first',
      access: 'administrator',
      usersOnly: true,
      answer: z.array(tokenViewSchema),
    },
    post: {
      summary: 'Create an API token; the answer shows it this once',
      access: 'administrator',
      usersOnly: true,
      body: tokenRequestSchema,
      answer: createdTokenSchema,
    },
  },
  '/api/tokens/{token}': {
    delete: { summary: 'Revoke an API token: its event streams end', access: 'administrator', usersOnly: true },
  },
  '/api/openapi.json': {
    get: { summary: 'This document', access: 'viewer', ofCluster: 'answer', answer: z.unknown() },
  },
  '/api/state': {
    get: {
      summary: 'All that is routed, and how it fares',
      access: 'viewer',
      ofCluster: 'answer',
      answer: stateSchema,
    },
  },
  '/api/audit': {
    get: {
      summary: 'Changes by administrators and failed sign-in attempts, the newest first',
      access: 'viewer',
      answer: z.array(auditEntrySchema),
    },
  },
  '/api/events': {
    get: {
      summary: 'Event `state`: the state, at each change of it; event `seen`: when a look found nothing else',
      access: 'viewer',
      ofCluster: 'answer',
      answer: 'text/event-stream',
    },
  },
  '/api/explain': {
    get: {
      summary: 'Which route of each cluster answers a URL, why, and why not others',
      access: 'viewer',
      ofCluster: 'answer',
      query: { url: explainedUrlSchema },
      answer: z.array(explanationSchema),
    },
  },
  '/api/interlock': interlock,
  '/api/hrm': interlock,
  '/api/maintenance': {
    get: {
      summary: 'Hosts and services that are closed for a while',
      access: 'viewer',
      ofCluster: 'answer',
      answer: stateSchema.unwrap().shape.maintenance,
    },
  },
  '/api/maintenance/hosts/{host}': {
    put: {
      summary: 'Close a host for a while: 503 with Retry-After',
      access: 'operator',
      ofCluster: 'target',
      body: allowSchema,
    },
    delete: { summary: 'Open it again', access: 'operator', ofCluster: 'target' },
  },
  '/api/maintenance/services/{service}': {
    put: {
      summary: 'Close all routes of a service for a while',
      access: 'operator',
      ofCluster: 'target',
      body: allowSchema,
    },
    delete: { summary: 'Open them again', access: 'operator', ofCluster: 'target' },
  },
  '/api/clusters/{cluster}/versions': {
    get: {
      summary: 'Kept versions of the configuration, the newest first',
      access: 'viewer',
      ofCluster: 'path',
      answer: z.array(keptVersionSchema),
    },
  },
  '/api/clusters/{cluster}/versions/{version}': {
    get: { summary: 'The nginx configuration of a version', access: 'viewer', ofCluster: 'path', answer: 'text/plain' },
  },
  '/api/clusters/{cluster}/versions/{version}/hold': {
    put: { summary: 'Roll back to a version and hold it; new changes wait', access: 'operator', ofCluster: 'path' },
  },
  '/api/clusters/{cluster}/hold': {
    delete: { summary: 'Release the cluster: what waits goes live', access: 'operator', ofCluster: 'path' },
  },
};

/** OpenAPI 3.1, whose schemas are JSON Schema as zod writes it. */
export function openApiDocument() {
  return {
    openapi: '3.1.0',
    info: { title: 'Signalbox', version: '1' },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        cookie: { type: 'apiKey', in: 'cookie', name: '__Host-signalbox' },
        page: { type: 'apiKey', in: 'header', name: 'X-Signalbox-Session' },
        basic: { type: 'http', scheme: 'basic' },
      },
    },
    paths: Object.fromEntries(
      Object.entries(operations).map(([path, methods]) => [
        path,
        {
          parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
            name,
            in: 'path',
            required: true,
            schema: { type: 'string' },
          })),
          ...Object.fromEntries(Object.entries(methods).map(([method, operation]) => [method, describe(operation)])),
        },
      ]),
    ),
  };
}

function describe({ summary, access, body, answer, basic, query }: Operation) {
  return {
    summary,
    ...(access === 'open' ? {} : { description: `Requires the role ${access}: ${roleMeanings[access]}.` }),
    ...(query ? { parameters: Object.entries(query).map(toParameter) } : {}),
    security: access === 'open' ? [] : [{ bearer: [] }, basic ? { basic: [] } : { cookie: [], page: [] }],
    ...(body ? { requestBody: { content: { 'application/json': { schema: toSchema(body, 'input') } } } } : {}),
    responses: {
      ...(answer === undefined
        ? { 204: { description: 'Done' } }
        : { 200: { description: 'Done', content: content(answer) } }),
      default: {
        description: 'Refused',
        content: { 'application/problem+json': { schema: toSchema(problemDetailsSchema, 'output') } },
      },
    },
  };
}

function toParameter([name, schema]: readonly [string, z.ZodType]) {
  return { name, in: 'query', required: true, schema: toSchema(schema, 'input') };
}

function content(answer: NonNullable<Operation['answer']>) {
  if (typeof answer === 'string') return { [answer]: { schema: { type: 'string' } } };
  return { 'application/json': { schema: toSchema(answer, 'output') } };
}

function toSchema(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
