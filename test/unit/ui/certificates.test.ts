import { describe, expect, it } from 'vitest';
import {
  matchesCertificate,
  parseOrder,
  sortCertificates,
  statusOf,
  toggled,
} from '../../../src/ui/lib/certificates.ts';
import { someCertificates } from '../../support/page-world.ts';

const all = someCertificates();
const namesBy = (sort: string) => sortCertificates(all, parseOrder(sort)).map(({ name }) => name);

describe('certificates', () => {
  it('are sorted by urgency unless the address says otherwise', () => {
    expect(parseOrder()).toEqual(parseOrder('nonsense'));
    expect(namesBy('').slice(0, 2)).toEqual(['grafana.example.org', 'mail.cert']);
  });

  it('are sorted by a column in both directions', () => {
    expect(namesBy('expires').slice(0, 3)).toEqual(['grafana.example.org', 'metrics.example.org', 'mail.cert']);
    expect(namesBy('-host')[0]).toBe('wiki.example.org');
    expect(toggled(parseOrder('host'), 'host')).toBe('-host');
    expect(toggled(parseOrder('-host'), 'host')).toBe('host');
    expect(toggled(parseOrder('-host'), 'issuer')).toBe('issuer');
  });

  it('are found by host, name, secret, issuer and service', () => {
    const found = (filter: string) => all.filter((one) => matchesCertificate(one, filter)).map(({ name }) => name);

    expect(found('NEXT.shop')).toEqual(['wildcard.1']);
    expect(found('cdn.example.org')).toEqual(['wildcard.1']);
    expect(found('example mail ca')).toEqual(['mail.cert']);
    expect(found(' grafana ')).toEqual(['grafana.example.org']);
    expect(found('blog.cert')).toEqual(['blog.cert']);
  });

  it('are named by what the reader should know first', () => {
    expect(Object.fromEntries(all.map((one) => [one.name, statusOf(one)]))).toEqual({
      'wildcard.1': { aspect: 'clear', title: 'Valid' },
      'wiki.example.org': { aspect: 'clear', title: 'Valid' },
      'grafana.example.org': { aspect: 'danger', title: 'Not issued yet' },
      'metrics.example.org': { aspect: 'caution', title: 'Not issued yet' },
      'mail.cert': { aspect: 'danger', title: 'Expired' },
      'blog.cert': { aspect: 'caution', title: 'Valid, with a warning' },
      default: { aspect: 'clear', title: 'Valid' },
    });
  });
});
