import { describe, expect, it } from 'vitest';
import { readRegistries } from '../../../src/model/own-services/registry.ts';

const auth = (user: string, password: string) => ({ auth: btoa(`${user}:${password}`) });

describe('credentials from config.json', () => {
  const credentialsFor = readRegistries(
    JSON.stringify({
      auths: {
        'registry.example.org': auth('alice', 'a:b'),
        'registry.example.org:5000': { username: 'bob', password: 'b' },
        'https://index.docker.io/v1/': auth('carol', 'c'),
        'https://quay.example.org/v2/': { identitytoken: 'token', ...auth('dave', 'd') },
      },
      credsStore: 'desktop',
    }),
  )!;

  it.each<[string, object | undefined]>([
    [
      'registry.example.org/signalbox/proxy:1',
      { username: 'alice', password: 'a:b', serveraddress: 'registry.example.org' },
    ],
    ['registry.example.org:5000/proxy', { username: 'bob', password: 'b', serveraddress: 'registry.example.org:5000' }],
    ['quay.example.org/signalbox/proxy@sha256:00', { identitytoken: 'token', serveraddress: 'quay.example.org' }],
    ...['signalbox/proxy:1', 'proxy', 'docker.io/signalbox/proxy', 'index.docker.io/signalbox/proxy'].map(
      (image): [string, object] => [
        image,
        { username: 'carol', password: 'c', serveraddress: 'https://index.docker.io/v1/' },
      ],
    ),
    ['localhost/signalbox/proxy', undefined],
    ['other.example.org/signalbox/proxy', undefined],
    ['registry.example.org.evil.example/signalbox/proxy', undefined],
  ])('for %s', (image, expected) => {
    expect(credentialsFor(image)).toEqual(expected);
  });

  it.each(['', 'user:password', '[]', '{"auths":[]}', '{"auths":{"r.example.org":"x"}}', '{}'])(
    'rejects %j',
    (text) => {
      expect(readRegistries(text)).toBeUndefined();
    },
  );
});
