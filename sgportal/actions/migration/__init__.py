"""Coming from others: objects of SuperEdge, OpenYurt and KubeEdge made ours."""
