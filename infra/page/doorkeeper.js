// CloudFront runs this before every request, a WebSocket's too: the page is for NETWORKS alone,
// [address, mask] pairs of 32-bit numbers. Over IPv6 nobody comes: the distribution has no such address.
function handler(event) {
  const ip = event.viewer.ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const known = NETWORKS.some(([address, mask]) => ((ip & mask) >>> 0) === address);
  return known ? event.request : { statusCode: 403, statusDescription: "Forbidden" };
}
