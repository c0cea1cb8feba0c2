"""HTTP/1.1 on the wire, corner by corner: raw bytes on one side of a proxy, a recording upstream on the other."""
