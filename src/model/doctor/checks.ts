import { certificates } from './certificates.ts';
import type { Check } from './check.ts';
import { clientAddresses } from './client-addresses.ts';
import { clocks } from './clocks.ts';
import { disk } from './disk.ts';
import { engines } from './engines.ts';
import type { DoctorFacts } from './facts.ts';
import { ipvs, receiveBuffers } from './kernel.ts';
import { nodes } from './nodes.ts';
import { ports } from './ports.ts';
import { publishedPorts } from './published-ports.ts';
import { replicas } from './replicas.ts';
import { unusedObjects } from './unused-objects.ts';

/** What the controller checks, in the order of the report. */
export const swarmChecks: readonly Check<DoctorFacts>[] = [
  nodes,
  engines,
  ports,
  clocks,
  replicas,
  publishedPorts,
  clientAddresses,
  certificates,
  unusedObjects,
  disk,
  ipvs,
  receiveBuffers,
];
