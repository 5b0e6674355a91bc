import { z } from 'zod';
import { problemDetailsSchema } from './problem-details.ts';
import {
  allowSchema,
  credentialsSchema,
  explanationSchema,
  interlockSchema,
  keptVersionSchema,
  tokenSchema,
  userSchema,
} from './requests.ts';
import { stateSchema } from './state.ts';

interface Operation {
  readonly summary: string;
  readonly body?: z.ZodType;
  /** Undefined: 204 without a body. */
  readonly answer?: z.ZodType | 'text/plain' | 'text/event-stream';
  readonly open?: true;
  /** Name of a parameter of the query. */
  readonly query?: string;
}

const interlock = {
  get: { summary: 'Whether layer 7 routing is on, and its ports', answer: interlockSchema },
  post: {
    summary: 'Switch it on, or change its ports; 409 names the service that holds a port',
    body: interlockSchema,
    answer: interlockSchema,
  },
  delete: { summary: 'Switch it off', answer: interlockSchema },
} as const;

/** Every route of the API. A test compares it with those of the app. */
export const operations: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  '/healthz': {
    get: { summary: '200 while passes succeed, else 503', answer: z.object({ healthy: z.boolean() }), open: true },
  },
  '/auth/login': {
    post: { summary: 'A bearer token for scripts', body: credentialsSchema, answer: tokenSchema, open: true },
  },
  '/auth/session': {
    post: { summary: 'A session with a cookie, for the page', body: credentialsSchema, open: true },
    delete: { summary: 'End the session', open: true },
  },
  '/metrics': {
    get: {
      summary: 'Metrics for Prometheus; basic authentication as viewer does as well as a bearer token',
      answer: 'text/plain',
    },
  },
  '/api/user': { get: { summary: 'Who is logged in', answer: userSchema } },
  '/api/openapi.json': { get: { summary: 'This document', answer: z.unknown() } },
  '/api/state': { get: { summary: 'All that is routed, and how it fares', answer: stateSchema } },
  '/api/events': {
    get: {
      summary: 'Event `state`: the state, at each change of it; event `seen`: when a look found nothing else',
      answer: 'text/event-stream',
    },
  },
  '/api/explain': {
    get: {
      summary: 'Which route of each cluster answers a URL, why, and why not others',
      query: 'url',
      answer: z.array(explanationSchema),
    },
  },
  '/api/interlock': interlock,
  '/api/hrm': interlock,
  '/api/maintenance': {
    get: { summary: 'Hosts and services that are closed for a while', answer: stateSchema.unwrap().shape.maintenance },
  },
  '/api/maintenance/hosts/{host}': {
    put: { summary: 'Close a host for a while: 503 with Retry-After', body: allowSchema },
    delete: { summary: 'Open it again' },
  },
  '/api/maintenance/services/{service}': {
    put: { summary: 'Close all routes of a service for a while', body: allowSchema },
    delete: { summary: 'Open them again' },
  },
  '/api/clusters/{cluster}/versions': {
    get: { summary: 'Kept versions of the configuration, the newest first', answer: z.array(keptVersionSchema) },
  },
  '/api/clusters/{cluster}/versions/{version}': {
    get: { summary: 'The nginx configuration of a version', answer: 'text/plain' },
  },
  '/api/clusters/{cluster}/versions/{version}/hold': {
    put: { summary: 'Roll back to a version and hold it; new changes wait' },
  },
  '/api/clusters/{cluster}/hold': { delete: { summary: 'Release the cluster: what waits goes live' } },
};

/** OpenAPI 3.1, whose schemas are JSON Schema as zod writes it. */
export function openApiDocument() {
  return {
    openapi: '3.1.0',
    info: { title: 'Signalbox', version: '1' },
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
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

function describe({ summary, body, answer, open, query }: Operation) {
  return {
    summary,
    ...(query ? { parameters: [{ name: query, in: 'query', required: true, schema: { type: 'string' } }] } : {}),
    security: open ? [] : [{ bearer: [] }],
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

function content(answer: NonNullable<Operation['answer']>) {
  if (typeof answer === 'string') return { [answer]: { schema: { type: 'string' } } };
  return { 'application/json': { schema: toSchema(answer, 'output') } };
}

function toSchema(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
