/** How good a state is, and what it is called. */
import type { CiStatus, DeploymentStatus, IncidentStatus, PullRequestState, ReviewDecision } from '../../../gen/documents';
import type { Tone } from '../../../ui/Badge';

export const INCIDENT: Record<IncidentStatus, Tone> = { TRIGGERED: 'bad', ACKNOWLEDGED: 'warn', RESOLVED: 'good', UNKNOWN: 'calm' };
export const DEPLOYMENT: Record<DeploymentStatus, Tone> = { PENDING: 'calm', RUNNING: 'warn', SUCCEEDED: 'good', FAILED: 'bad', CANCELLED: 'calm', INACTIVE: 'calm', UNKNOWN: 'calm' };
export const PULL_REQUEST: Record<PullRequestState, Tone> = { OPEN: 'good', CLOSED: 'bad', MERGED: 'calm' };
export const REVIEW: Record<ReviewDecision, string> = { APPROVED: 'approved', CHANGES_REQUESTED: 'changes asked for', REVIEW_REQUIRED: 'waits for review' };

export const CI: Record<CiStatus, Tone> = { QUEUED: 'calm', RUNNING: 'warn', WAITING: 'warn', PASSED: 'good', FAILED: 'bad', CANCELLED: 'calm', SKIPPED: 'calm', UNKNOWN: 'calm' };

/** `IN_PROGRESS` as people write it. */
export function word(name: string): string {
  return name.toLowerCase().replaceAll('_', ' ');
}
