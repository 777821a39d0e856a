"""What pictures and sound do over time, measured cheaply: the ground on which recordings are cut and reported."""
