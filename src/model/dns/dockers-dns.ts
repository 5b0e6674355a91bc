/** Docker's DNS, in the network namespace of every container on a network of its own. */
export const dockersDns = { host: '127.0.0.11', port: 53 } as const;

/** The beginning of the statement by which templates make nginx query it. */
export const dockersResolver = `resolver ${dockersDns.host} `;

/** So many queries at once fit into the buffer of its socket, which has the usual size (`net.core.rmem_default` = 212,992 bytes). */
export const queriesAtOnce = 250;
