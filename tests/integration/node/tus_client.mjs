// Uploads a file with tus-js-client; prints one JSON line: {"url": "..."} or {"error": "..."}. Every body goes with its checksum.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DefaultHttpStack, Upload } from 'tus-js-client';

const { endpoint, file, metadata, headers, parallelUploads, chunkSize } = JSON.parse(process.argv[2]);

class ChecksumStack {
  #plain = new DefaultHttpStack({});

  createRequest(method, url) {
    const request = this.#plain.createRequest(method, url);
    const send = request.send.bind(request);
    request.send = (body = null) => {
      if (body instanceof Uint8Array) {
        request.setHeader('Upload-Checksum', `sha256 ${createHash('sha256').update(body).digest('base64')}`);
      }
      return send(body);
    };
    return request;
  }

  getName() {
    return 'ChecksumStack';
  }
}

const upload = new Upload(readFileSync(file), {
  endpoint, metadata, headers, parallelUploads, chunkSize,
  metadataForPartialUploads: { exercise: metadata.exercise },
  httpStack: new ChecksumStack(),
  retryDelays: Array(30).fill(200),
  storeFingerprintForResuming: false,
  onSuccess: () => console.log(JSON.stringify({ url: upload.url })),
  onError: (error) => console.log(JSON.stringify({ error: error.message })),
});
upload.start();
