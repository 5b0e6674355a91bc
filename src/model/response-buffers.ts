/** Buffer for a part of a response that waits for its client; nginx uses up to `BODY_BUFFERS` of them for one response. */
const BODY_BUFFER_KB = 16;
const LEAST_BODY_BUFFERS = 4;

/**
 * Memory that a request may use in a proxy. nginx requires that the busy buffers, which hold data about to be sent, have room for the headers, and
 * that at least one more buffer is left.
 */
export function responseBuffers(headerKb: number) {
  const buffers = Math.max(LEAST_BODY_BUFFERS, Math.ceil(headerKb / BODY_BUFFER_KB) + 2);
  return {
    proxy_buffer_size: `${headerKb}k`,
    proxy_buffers: `${buffers} ${BODY_BUFFER_KB}k`,
    proxy_busy_buffers_size: `${Math.max(headerKb, BODY_BUFFER_KB)}k`,
    grpc_buffer_size: `${headerKb}k`,
  };
}
