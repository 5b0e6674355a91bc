// An authenticator for forward_auth. Plain Node, no dependencies. The swarm tests run it in the demo's image as a Docker
// config, the nginx tests beside nginx in its container.
//
//   /verify     200 for the cookie `session=<name>`, with the name in Remote-User, what arrived in X-Seen (JSON, encoded),
//               and two cookies; 401 with a cookie without a session
//   /forbid     403
//   /fail       500
//   /redirect   302
//   /slow       no answer
//   /seen       number of requests, as the body
//
// PORT is the port to listen on.
import http from 'node:http';

let seen = 0;

const answers = {
  '/verify'(request, response) {
    const [, name] = /(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? '') ?? [];
    if (name === undefined) {
      response.setHeader('set-cookie', 'state=1; Path=/');
      response.setHeader('www-authenticate', 'Bearer');
      response.statusCode = 401;
    } else {
      response.setHeader('remote-user', name);
      response.setHeader(
        'x-seen',
        encodeURIComponent(JSON.stringify([request.method, request.url, request.rawHeaders])),
      );
      const expires = 'Expires=Thu, 01 Jan 2099 00:00:00 GMT';
      response.setHeader('set-cookie', [`session=${name}; ${expires}; Path=/`, `second=2; ${expires}`]);
    }
    response.end('the body of the authenticator');
  },
  '/forbid': (_, response) => response.writeHead(403).end(),
  '/fail': (_, response) => response.writeHead(500).end(),
  '/redirect': (_, response) => response.writeHead(302, { location: 'https://elsewhere.example.org/' }).end(),
  '/slow': () => {},
  '/seen': (_, response) => response.end(String(seen)),
};

http
  .createServer((request, response) => {
    const path = request.url.split('?')[0];
    if (path !== '/seen') seen += 1;
    request.resume();
    if (answers[path]) answers[path](request, response);
    else response.writeHead(404).end();
  })
  .listen(Number(process.env.PORT ?? 9091));
