"""Check of a new version before it gets traffic: CodeDeploy's hook BeforeAllowTraffic."""
