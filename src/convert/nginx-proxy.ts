import type { ConvertedService, ForeignLabel, ForeignService, Remark } from './foreign-label.ts';
import { needsIssuer } from './remarks.ts';

/** The variables of nginx-proxy and its ACME companion. */
const NAMES = [
  ...['VIRTUAL_HOST', 'VIRTUAL_PORT', 'VIRTUAL_PROTO', 'VIRTUAL_PATH', 'VIRTUAL_DEST', 'VIRTUAL_HOST_MULTIPORTS'],
  ...['HTTPS_METHOD', 'HSTS', 'CERT_NAME', 'SSL_POLICY', 'NETWORK_ACCESS'],
  ...['LETSENCRYPT_HOST', 'LETSENCRYPT_EMAIL', 'LETSENCRYPT_TEST', 'ACME_HOST', 'ACME_EMAIL'],
];

const PROTOCOLS = ['http', 'https', 'grpc', 'grpcs'];

export function isNginxProxyVariable({ name }: ForeignLabel): boolean {
  return NAMES.includes(name);
}

export function convertNginxProxy(services: readonly ForeignService[]): ConvertedService[] {
  return services.map(({ name, labels }) => {
    const variables = new Map(labels.filter(isNginxProxyVariable).map((label) => [label.name, label]));
    const remarks: Remark[] = [];
    const converted = convertVariables(variables, remarks);
    return { name, labels: converted, remarks };
  });
}

type Variables = ReadonlyMap<string, ForeignLabel>;

function convertVariables(variables: Variables, remarks: Remark[]): Map<string, string> {
  const value = (name: string) => variables.get(name)?.value ?? '';
  const lose = (name: string, reason: string, remedy: string) => {
    const label = variables.get(name);
    if (label !== undefined && label.value !== '') remarks.push({ severity: 'error', label, reason, remedy });
  };
  lose('VIRTUAL_HOST_MULTIPORTS', 'has no counterpart', 'Write numbered groups by hand: com.docker.lb.1.hosts.');
  lose('SSL_POLICY', 'has no counterpart', 'Set SSLProtocols and SSLCiphers in the settings.');
  if (value('VIRTUAL_HOST') === '') return new Map();
  if (value('NETWORK_ACCESS') === 'internal') {
    lose('NETWORK_ACCESS', 'depends on a list in nginx-proxy: the route is left out', 'Write hosts and allow by hand.');
    return new Map();
  }
  const protocol = value('VIRTUAL_PROTO') || 'http';
  if (!PROTOCOLS.includes(protocol)) {
    lose('VIRTUAL_PROTO', 'has no counterpart', `Use one of: ${PROTOCOLS.join(', ')}.`);
    return new Map();
  }
  return new Map([
    ['hosts', value('VIRTUAL_HOST')],
    ...pathOf(variables, lose),
    ['port', value('VIRTUAL_PORT') || '80'],
    ...(protocol === 'http' ? [] : [['backend_protocol', protocol] as const]),
    ...tlsOf(variables, remarks),
  ]);
}

type Lose = (name: string, reason: string, remedy: string) => void;

function pathOf(variables: Variables, lose: Lose): [string, string][] {
  const path = (variables.get('VIRTUAL_PATH')?.value ?? '').replace(/\/+$/, '');
  if (path === '') return [];
  const target = variables.get('VIRTUAL_DEST')?.value ?? '';
  if (target === '') return [['context_root', path]];
  if (target !== '/') lose('VIRTUAL_DEST', 'is not /', 'Set context_root_rewrite and backend_path by hand.');
  return target === '/'
    ? [
        ['context_root', path],
        ['context_root_rewrite', 'true'],
      ]
    : [['context_root', path]];
}

/** nginx-proxy redirects to HTTPS as soon as there is a certificate. */
function tlsOf(variables: Variables, remarks: Remark[]): [string, string][] {
  const ordered = variables.get('LETSENCRYPT_HOST') ?? variables.get('ACME_HOST');
  const stored = variables.get('CERT_NAME');
  const method = variables.get('HTTPS_METHOD')?.value ?? 'redirect';
  if (method === 'nohttps' || (ordered === undefined && stored === undefined)) return [];
  if (ordered !== undefined) remarks.push(needsIssuer(ordered));
  else
    remarks.push({
      severity: 'warning',
      label: stored!,
      reason: 'becomes the name of a Docker secret: until it exists, the route answers 503',
      remedy: `Create the secret ${stored!.value} with certificate and key in PEM format, and declare it under secrets.`,
    });
  const hsts = variables.get('HSTS')?.value;
  return [
    ordered === undefined ? ['ssl_cert', stored!.value] : ['acme', 'true'],
    ...(method === 'noredirect' ? [] : [['ssl_only', 'true'] as [string, string]]),
    ...(hsts === undefined || hsts === 'off' ? [] : [['hsts', hsts.replace(/^max-age=/, '')] as [string, string]]),
  ];
}
