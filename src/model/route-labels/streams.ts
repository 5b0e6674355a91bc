import { z } from 'zod';
import { boolean, label, splitList, wholeNumber } from '../labels/label.ts';
import { secretName } from './secret-name.ts';

/** nginx limits the list to 255 bytes. */
const MOST_PROTOCOLS = 8;
const MOST_RESPONSES = 1000;

const alpn = z
  .string()
  .transform(splitList)
  .superRefine((names, context) => {
    const wrong = names.find((name) => !/^[A-Za-z0-9][A-Za-z0-9./_-]{0,24}$/.test(name));
    if (wrong !== undefined) context.addIssue(`contains ${JSON.stringify(wrong)}, which is not the name of a protocol`);
    if (names.length === 0) context.addIssue('is empty');
    if (names.length > MOST_PROTOCOLS) context.addIssue(`has more than ${MOST_PROTOCOLS} entries`);
  });

export const streamLabels = {
  tcp_port: label({
    name: 'tcp_port',
    policy: 'required',
    type: 'port, 1 to 65535',
    default: '',
    example: '5432',
    description:
      'Forwards TCP connections to this published port to the service. The port must be in the setting `TcpPorts`. These labels then route no HTTP: use a numbered group for each.',
    schema: wholeNumber(1, 65_535),
  }),
  udp_port: label({
    name: 'udp_port',
    policy: 'required',
    type: 'port, 1 to 65535',
    default: '',
    example: '53',
    description:
      'Forwards UDP datagrams to this published port to the service. The port must be in the setting `UdpPorts`. `tcp_port` and `udp_port` can be set together.',
    schema: wholeNumber(1, 65_535),
  }),
  tcp_tls: label({
    name: 'tcp_tls',
    policy: 'protective',
    type: 'name of a secret',
    default: '',
    example: 'demo_db.example.org',
    description:
      'Docker secret with a certificate chain and its private key in PEM format. The proxies terminate TLS on `tcp_port`. With `hosts`, the name in the TLS handshake (SNI) selects one of several services on the port.',
    schema: secretName,
  }),
  tcp_alpn: label({
    name: 'tcp_alpn',
    policy: 'optional',
    type: 'list of protocol names, separated by commas',
    default: '',
    example: 'postgresql',
    description:
      'Application protocols (ALPN) that the proxies accept in TLS handshakes with `tcp_tls`. Clients that offer only others are rejected.',
    schema: alpn,
  }),
  tcp_proxy_protocol: label({
    name: 'tcp_proxy_protocol',
    policy: 'required',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      "Starts each TCP connection to the service with a PROXY protocol header (version 1), which passes the client's address.",
    schema: boolean,
  }),
  udp_responses: label({
    name: 'udp_responses',
    policy: 'optional',
    type: `number from 1 to ${MOST_RESPONSES}`,
    default: '',
    example: '1',
    description:
      'Number of datagrams from the service after which the proxy forgets the client, such as 1 for DNS. By default, the proxy remembers the client for `read_timeout`.',
    schema: wholeNumber(1, MOST_RESPONSES),
  }),
} as const;
