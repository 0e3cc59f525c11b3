// Echo client on the Node library `ws`: node_client.js URL --agent NAME.
// Goes through the cases of a fuzzing server.
'use strict';

const WebSocket = require('ws');

function visit(url, handle) {
  // Autobahn sends messages in more fragments than the limit that is the default.
  const socket = new WebSocket(url, { maxFragments: 0 });
  socket.on('message', (data, binary) => handle(socket, data, binary));
  // An error is followed by a close; a server that is refused is a verdict, too.
  socket.on('error', () => {});
  return new Promise((resolve) => { socket.on('close', resolve); });
}

async function main(url, agent) {
  let count = 0;
  await visit(`${url}/getCaseCount`, (_, data) => { count = Number(data); });
  for (let number = 1; number <= count; number += 1) {
    await visit(`${url}/runCase?case=${number}&agent=${agent}`, (socket, data, binary) => {
      socket.send(data, { binary });
    });
  }
  await visit(`${url}/updateReports?agent=${agent}`, () => {});
}

main(process.argv[2], process.argv[4]);
