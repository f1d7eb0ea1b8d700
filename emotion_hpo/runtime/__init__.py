"""What any process needs: seeds, threads, cores, memory, formats."""
