/** The steps of a request that is sent to see what happens, in their order, with their titles. */
export const triedSteps = {
  dns: 'DNS',
  node: 'Node',
  connection: 'Connection',
  tls: 'TLS',
  answer: 'Answer',
  proxy: 'Proxy',
  task: 'Task',
} as const;

export type TriedStep = keyof typeof triedSteps;
