"""What is to be done, to whom, how far: pure steps from facts to actions and questions."""
