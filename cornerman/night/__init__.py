"""The night: play, reflect, race, gate, confirm, teach, train, check, report; one resumable run of all stages."""
