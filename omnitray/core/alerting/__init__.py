"""From what is wrong to who is told: incidents, judgement, the record on disk."""
