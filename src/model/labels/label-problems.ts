import { asGiven, problemKind } from '../problem-kind.ts';

export const invalidLabel = problemKind({
  id: 'label-invalid',
  severity: 'error',
  meaning:
    'A label has a value that it cannot have, or is missing although another label requires it. An optional label is ignored. A label that is required or protects the route closes its route, which then answers 503; the policy of each label is in [labels.md](labels.md).',
  ...asGiven,
  example: ['is not a whole number', 'Set it to a port, 1 to 65535, for example 8080.'],
  at: 'com.docker.lb.port "http"',
});

export const ineffectiveLabel = problemKind({
  id: 'label-without-effect',
  severity: 'warning',
  meaning: 'A label is valid, but another label, the protocol or the settings leave it without effect.',
  ...asGiven,
  example: ['has no effect without forward_auth', 'Set forward_auth, or remove the label.'],
  at: 'com.docker.lb.forward_auth_headers "X-User"',
});

export const conflictingLabels = problemKind({
  id: 'labels-conflict',
  severity: 'warning',
  meaning: 'Two labels of a service exclude each other, and one of them is ignored.',
  ...asGiven,
  example: ['is ignored: ip_hash takes precedence', 'Remove one of the two labels.'],
  at: 'com.docker.lb.balance "random"',
});

export const unknownLabel = problemKind({
  id: 'label-unknown',
  severity: 'warning',
  meaning: `A label begins like a routing label, or resembles one, but does not exist. It has no effect.`,
  reason: (_remedy: string) => 'is an unknown label',
  remedy: (remedy) => remedy,
  example: ['Did you mean com.docker.lb.hosts?'],
  at: 'com.docker.lb.hots',
});
