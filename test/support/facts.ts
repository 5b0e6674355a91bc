import type { CertificateFacts, SecretFacts } from '../../src/model/secrets/secret-facts.ts';

export function certificateFacts(more: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    names: ['app.example.org'],
    addresses: [],
    hasAllNames: true,
    from: '2026-01-01T00:00:00.000Z',
    until: '2027-01-01T00:00:00.000Z',
    publicKey: '0'.repeat(32),
    keyType: 'prime256v1',
    rsaBits: 0,
    isFollowedByIssuer: true,
    wantsStapling: false,
    responder: '',
    ...more,
  };
}

export function secretFacts(name: string, more: Partial<SecretFacts> = {}): SecretFacts {
  return {
    name,
    certificates: [],
    isBroken: false,
    rejected: '',
    rejectedAuthority: '',
    isMaterial: true,
    hidesBlocks: false,
    key: { kind: 'none' },
    stapledWith: [],
    ...more,
  };
}
