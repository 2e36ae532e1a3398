"""Bulk classification: the steps of the Step Functions state machine, and the command `bulk`."""
