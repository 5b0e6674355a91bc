import { z } from 'zod';
import { label } from '../labels/label.ts';

export const websocketLabels = {
  websocket_endpoints: label({
    name: 'websocket_endpoints',
    policy: 'optional',
    type: 'list of paths, separated by commas',
    default: '',
    example: '/ws,/chat',
    description: 'Accepted for compatibility. WebSockets work on every path.',
    schema: z.string(),
  }),
} as const;
