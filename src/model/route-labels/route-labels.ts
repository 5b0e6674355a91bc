import { acmeLabels } from './acme.ts';
import { backendModeLabels } from './backend-mode.ts';
import { canonicalHostLabels } from './canonical-host.ts';
import { certificateLabels } from './certificate.ts';
import { contextRootLabels } from './context-root.ts';
import { failureLabels } from './failures.ts';
import { hostLabels } from './hosts.ts';
import { hstsLabels } from './hsts.ts';
import { maintenanceLabels } from './maintenance.ts';
import { matchLabels } from './match.ts';
import { networkLabels } from './network.ts';
import { passthroughLabels } from './passthrough.ts';
import { policyLabels } from './policy.ts';
import { portLabels } from './port.ts';
import { redirectLabels } from './redirects.ts';
import { serviceClusterLabels } from './service-cluster.ts';
import { streamLabels } from './streams.ts';
import { tlsProtocolLabels } from './tls-protocols.ts';
import { websocketLabels } from './websocket-endpoints.ts';
import { weightLabels } from './weight.ts';

/** The labels that define a route. Values of features are options of its locations instead, see `features.ts`. */
export const routeLabels = {
  ...hostLabels,
  ...contextRootLabels,
  ...matchLabels,
  ...weightLabels,
  ...serviceClusterLabels,
  ...portLabels,
  ...networkLabels,
  ...backendModeLabels,
  ...redirectLabels,
  ...canonicalHostLabels,
  ...websocketLabels,
  ...failureLabels,
  ...certificateLabels,
  ...acmeLabels,
  ...passthroughLabels,
  ...hstsLabels,
  ...tlsProtocolLabels,
  ...maintenanceLabels,
  ...policyLabels,
  ...streamLabels,
};
