import { describe, expect, it } from 'vitest';
import { defaultHostOf, isHostTemplate } from '../../../src/model/default-host.ts';

const both = '{service}.{stack}.apps.example.org';
const hostOf = (template: string, name: string, stack = '') =>
  defaultHostOf(template, { name, labels: stack === '' ? {} : { 'com.docker.stack.namespace': stack } });

describe('the default host', () => {
  it.each([
    [both, 'shop_web', 'shop', 'web.shop.apps.example.org'],
    [both, 'shop_web_api', 'shop', 'web-api.shop.apps.example.org'],
    [both, 'Shop_Web', 'Shop', 'web.shop.apps.example.org'],
    [both, 'shop_v1.2', 'shop', 'v1-2.shop.apps.example.org'],
    [both, 'my_shop_web', 'my_shop', 'web.my-shop.apps.example.org'],
    // Not deployed by `docker stack deploy`: the label alone names no stack.
    [both, 'web', 'shop', 'web.apps.example.org'],
    ['{service}.example.org', 'shop_web', 'shop', 'web.example.org'],
    ['{stack}-{service}.example.org', 'shop_web', 'shop', 'shop-web.example.org'],
  ])('%s is for %s in the stack %s: %s', (template, name, stack, host) => {
    expect(hostOf(template, name, stack)).toBe(host);
  });

  it.each([
    [both, 'web.apps.example.org'],
    ['{service}-{stack}.apps.example.org', 'web.apps.example.org'],
    ['{stack}-{service}.apps.example.org', 'web.apps.example.org'],
    ['{stack}.{service}.example.org', 'web.example.org'],
    ['app.{service}.{stack}', 'app.web'],
  ])('%s is without a stack: %s', (template, host) => {
    expect(hostOf(template, 'web')).toBe(host);
  });

  it('cannot be a name in another stack', () => {
    expect(hostOf(both, 'web.shop')).toBe('web-shop.apps.example.org');
  });
});

it.each([
  ['{service}.{stack}.apps.example.org', true],
  ['{service}', true],
  ['apps.example.org', false],
  ['{stack}.example.org', false],
  ['{service}.{node}.example.org', false],
  ['*.{service}.example.org', false],
  ['~^{service}$', false],
  ['{service}.example.org, other.example.org', false],
  ['{service}..example.org', false],
])('%s as a template for hosts: %s', (text, isGood) => {
  expect(isHostTemplate(text)).toBe(isGood);
});
