import type { z } from 'zod';
import type { ReportedFaults } from '../model/backends/connections.ts';
import type { Assert, Carries } from '../model/carries.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { Route } from '../model/route.ts';
import type { ReadSecret } from '../model/secrets/encrypted-secrets.ts';
import type { SecretFacts } from '../model/secrets/secret-facts.ts';
import type { StreamRoute } from '../model/streams/stream-route.ts';
import type { TrafficReport } from '../model/traffic.ts';
import type { AgentReport, Offer, OffersState, Rendering, TaskAddresses } from '../model/version.ts';
import type { ReportRequest, StateResponse, TasksRequest } from './agent-messages.ts';
import type { reportedFaults } from './backend-messages.ts';
import type { OfferRequest, RenderRequest, RenderResponse } from './render-messages.ts';
import type { route } from './route-message.ts';
import type { SecretsResponse, secrets } from './secret-messages.ts';
import type { stream } from './stream-message.ts';
import type { TrafficRequest, TrafficResponse } from './traffic-messages.ts';

/** Of a render request: the fields besides the input, and lists whose items are checked on their own. */
type OfRequest = 'boot' | 'known' | 'routes' | 'streams';
type OfResponse = 'kind' | 'templates' | 'routes' | 'refused';

/**
 * The compiler checks that each message has all fields of the model's type. Fields that are not sent, and fields that
 * only the message has, are named here. The messages about ACME define their types themselves.
 */
export type CompleteMessages = [
  // The labels explain problems, which the controller reports.
  Assert<Carries<Omit<Route, 'labels'>, z.output<typeof route>>>,
  Assert<Carries<Omit<StreamRoute, 'labels'>, z.output<typeof stream>>>,
  Assert<Carries<Omit<RenderInput, OfRequest>, Omit<RenderRequest, OfRequest>>>,
  // The controller makes problems of the rejections.
  Assert<Carries<Omit<Rendering, 'problems'>, Omit<Extract<RenderResponse, { kind: 'rendered' }>, OfResponse>>>,
  Assert<Carries<Offer, z.output<typeof OfferRequest>>>,
  Assert<Carries<AgentReport, Omit<z.output<typeof ReportRequest>, 'known' | 'instance'>>>,
  Assert<Carries<ReportedFaults, NonNullable<z.output<typeof reportedFaults>>>>,
  Assert<Carries<OffersState, Omit<StateResponse, 'digest' | 'templates' | 'tasks'>>>,
  Assert<Carries<TaskAddresses, z.output<typeof TasksRequest>['tasks'][number]>>,
  Assert<Carries<readonly SecretFacts[], z.output<typeof secrets>>>,
  Assert<Carries<readonly ReadSecret[], z.output<typeof SecretsResponse>['secrets']>>,
  Assert<Carries<TrafficReport, Omit<TrafficRequest, 'task' | 'instance'>>>,
  Assert<Carries<TrafficReport, Omit<TrafficResponse['reports'][number], 'task' | 'age'>>>,
];
