"""Bugs that tests must find: each is put into a copy of one source file, and the test named for it has to fail.

    plants.py NAME        compiles the copy as the build compiles the file, links the program with it, runs the checker
    plants.py --names     what there is
    plants.py --texts     only looks whether the text of each is there

A plant is text of a source file and what stands there instead. It fails when the text is not found exactly once (the
source has changed: plant it anew), when the checker passes, when it fails for another reason than the one named, or
when docs/TESTING.md does not name it. Production sources know nothing of this. What is wrong with a disk is planted
elsewhere (tests/crash/plant.h, test_order.c).
"""
import json
import os
import re
import shlex
import subprocess
import sys

SOURCE = os.environ.get("WICI_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.abspath(os.environ.get("WICI_BUILD", os.path.join(SOURCE, "build", "dev")))
SECONDS = 240
SEEDS = os.path.join(BUILD, "tests", "fuzz", "seeds", "")
OTHERS = "who_does_not_read_costs_a_bounded_memory_and_the_others_nothing"
ANEW = "Clerk.test_a_round_begins_anew_when_its_list_changes_between_two_pages"
ORDER = "an_answer_leaves_after_pages_meta_page_keys_and_names_are_on_disk"


class Plant:
    """One bug. program: what is linked with it; checker: the test, which runs that program, or is it; or a script of
    tests/, or a test, with its arguments. without: how many of the last of them are what finds it: without these it passes."""

    def __init__(self, name, file, edits, program, checker, finds, without=0):
        self.name, self.file, self.edits = name, file, edits
        self.program, self.checker, self.finds, self.without = program, checker, finds, without


PLANTS = [
    Plant("answer_before_commit", "broker/broker.c",
          [("(rc = broker_timers(b)) != 0 || (rc = broker_commit(b)) != 0",
            "(rc = broker_timers(b)) != 0 || (reply_flush(b), rc = broker_commit(b)) != 0")],
          "wicid", "test_order", [ORDER, "an answer leaves before"]),
    Plant("repeat_before_commit", "broker/talk.c",
          [("/* Queues the answers to one Publish. */", "static uint64_t next; /* before its events were taken */\n"),
           ("    session->next_number++;\n", "    session->next_number++;\n    next = store_next(b->store);\n"),
           ("    reply_put_for(b, session, &message);\n",
            "    if (answers[0].refusal.code == E_NONE && store_next(b->store) == next)\n"
            "        return front_send(b->front, &session->route, &message);\n"
            "    reply_put_for(b, session, &message);\n")],
          "test_wire_commit", "test_wire_commit",
          ["an_event_and_its_repeat_wait_for_the_commit_that_holds_them",
           "was answered before the commit had ended"]),
    Plant("cursor_moves_on_send", "broker/stream.c",
          [('#include "broker/access.h"\n', '#include "broker/access.h"\n#include "broker/cursor.h"\n'),
           ("        r->out_credits = 0;\n    } else {",
            "        r->out_credits = 0;\n        r->acked = r->sent;\n        cursor_touch(b, r);\n    } else {")],
          "wicid", "test_wire_subscribe",
          ["a_cursor_goes_on_after_what_was_acknowledged_also_after_a_crash", "from <= sent[1] + 1"]),
    Plant("replay_without_relation", "broker/deliver.c",
          [("            core_view(b->core, r->feed.unit, &record.core, false, &view);\n",
            "            core_view(b->core, r->feed.unit, &record.core, false, &view);\n"
            "            view.received = true;\n"
            "            view.sections = (1u << record.event.section_count) - 1;\n")],
          "wicid", "test_wire_subscribe",
          ["a_replay_gives_of_a_dossier_only_what_is_for_its_reader", "given what was before its relation"]),
    Plant("section_mask_off_by_one", "broker/core/view.c",
          [("        ret->sections |= 1u << section;", "        ret->sections |= 1u << (section + 1);")],
          "test_core_cells", "test_core_cells", ["each_cell_gives_what_the_matrix_and_the_relations_say"]),
    Plant("class_mask_off_by_one", "broker/core/view.c",
          [("    bit = (uint8_t)(1u << s->cls);", "    bit = (uint8_t)(2u << s->cls);")],
          "test_core_cells", "test_core_cells", ["each_cell_gives_what_the_matrix_and_the_relations_say"]),
    Plant("relation_never_ends", "broker/core/relations.c",
          [("                d->relations[i].until_seq = seq;", "                d->relations[i].until_seq = 0;")],
          "test_core_rules", "test_core_rules", ["closing_ends_participants_but_those_who_monitor"]),
    Plant("another_meetings_rows", "broker/core/delivery.c",
          [("facts_family(type) == FAMILY_MEETING && ref_is(core, relation, record->event);",
            "facts_family(type) == FAMILY_MEETING;")],
          "test_core_meetings", "test_core_meetings", ["nobody_is_given_anothers_rows_nor_the_protocol_who_may_not"]),
    Plant("invitation_back_from_recall", "broker/core/undo.c",
          [("    if (was_recalled(u, relation_opened_seq(u->ds, relation)))\n        return false;\n", "")],
          "test_core_meetings", "test_core_meetings", ["nobody_is_given_anothers_rows_nor_the_protocol_who_may_not"]),
    Plant("undeclared_is_given_all", "broker/core/view.c",
          [("    r.undeclared = !ways.placed && ", "    r.undeclared = r.ever && ")],
          "test_core_procedure_ipus", "test_core_procedure_ipus",
          ["i29_who_signed_no_declaration_is_given_s0_until_the_ground_is_named"]),
    Plant("correction_moves_a_clock", "broker/core/marks.c",
          [("    if (s->note != NULL && s->note->first_on[0] != '\\0')", "    if (s->note != NULL && s->seq == 0)")],
          "test_core_clocks_dates", "test_core_clocks_dates",
          ["what_no_field_dates_stays_where_it_was_when_it_is_said_otherwise"]),
    Plant("assessed_after_the_end", "broker/core/clocks.c",
          [("    case CLOCK_D11: return true; /* there is no assistant any more */", "    case CLOCK_D11: return false;")],
          "test_core_clocks", "test_core_clocks",
          ["an_assistants_work_is_not_due_again_in_a_closed_case_whatever_day_is_said"]),
    Plant("first_version_forgotten", "broker/core/reach.c",
          [("            act_seq(act) + act->number == seq)", "            act_seq(act) + act->number == 0)")],
          "test_core_consent", "test_core_consent",
          ["a_withdrawal_reaches_who_was_invited_when_the_consent_is_named_only_by_an_amendment"]),
    Plant("request_ends_with_an_order", "broker/core/relations.c",
          [("(relation->flags & RELATION_ORDERED) != 0 &&", "relation->flags != UINT8_MAX &&")],
          "test_core_taken_back", "test_core_taken_back",
          ["an_order_that_is_revoked_ends_the_parties_of_orders_and_leaves_those_of_requests"]),
    Plant("a_state_out_of_nothing", "broker/core/machines.c",
          [("    {C_BEFORE, IN_INTERVIEW_NEEDED, GUARD_NONE, CASE_ASSESSED, RULE_NONE},",
            "    {C_BEFORE, IN_INTERVIEW_NEEDED, GUARD_NONE, CASE_REQUESTED, RULE_NONE},")],
          "test_core_histories", "test_core_histories", ["is REQUESTED without case.assistant_requested"]),
    Plant("round_not_begun_anew", "agents/clerk_round.c",
          [("if (rc == -ESTALE && anew++ < ANEW_MAX) {", "if (rc == -ESTALE && anew++ > ANEW_MAX) {")],
          "wici-clerk", ["e2e/test_clerk.py", ANEW], [f"FAIL: {ANEW.rpartition('.')[2]}", "the round is not finished"]),
    Plant("nosync", "store/env.c",
          [("dir, MDB_NOTLS | (ahead ? 0 : MDB_NORDAHEAD), 0600", "dir, MDB_NOTLS | MDB_NOSYNC | (ahead ? 0 : MDB_NORDAHEAD), 0600")],
          "test_store", "test_store", ["Assertion `(flags & (MDB_NOSYNC"]),
    Plant("nosync_unseen", "store/env.c",
          [("dir, MDB_NOTLS | (ahead ? 0 : MDB_NORDAHEAD), 0600", "dir, MDB_NOTLS | MDB_NOSYNC | (ahead ? 0 : MDB_NORDAHEAD), 0600"),
           ("    assert((flags & (MDB_NOSYNC", "    assert((flags & (0")],
          "wicid", "test_order", [ORDER, "an answer leaves before"]),
    Plant("content_before_its_record", "broker/deliver.c",
          [("    reply_put_for(b, session, &message);\n    reader_drop(",
            "    (void)front_send(b->front, &session->route, &message);\n    reader_drop(")],
          "wicid", "test_order", [ORDER, "an answer leaves before"]),
    Plant("no_directory_sync", "proto/file.c",
          [("    if (fsync(fd) != 0)\n        rc = -errno;\n    close(fd);", "    close(fd);")],
          "wicid", "test_order", [ORDER, "names: /tmp/"]),
    Plant("no_key_sync", "store/keys.c",
          [("    if (rc == 0 && fdatasync(k->fd) != 0)\n        rc = -errno;\n    if (rc == 0)\n        k->synced =",
            "    if (rc == 0)\n        k->synced =")],
          "wicid", "test_order", [ORDER, "key entries are not synced"]),
    Plant("no_id_table", "store/store.c",
          [("    return err_from_lmdb(mdb_put(st->txn, st->id, &key, &val, MDB_NOOVERWRITE));", "    return 0;")],
          "test_store", "test_store", ["append_refuses_a_known_id_and_goes_on"]),
    Plant("window_begins_too_late", "broker/stream.c",
          [("        if (r->window.open && seq < r->window.from_seq)\n            access_close(b, r);\n", "")],
          "wicid", "test_wire_subscribe", ["what_comes_to_be_seen_before_what_waits_is_recorded_as_shown"]),
    Plant("credit_without_end", "broker/stream.c",
          [("    if (r->credit_count > 0 && r->outstanding + packed->len > r->window_bytes)\n        return 0;\n", "")],
          "wicid", "test_wire_others", [OTHERS, "s->deaf_at < s->count"]),
    Plant("answers_without_end", "broker/reply.c",
          [("atomic_load(&u->answering) > REPLIES_UNIT_MAX", "atomic_load(&u->answering) > SIZE_MAX - 1")],
          "wicid", "test_wire_others", [OTHERS, "a flood of events: memory grew"]),
    Plant("question_not_counted", "broker/reply.c",
          [("unit != CORE_UNIT_NONE && refusal->code != E_TAKEN_OVER",
            "unit != CORE_UNIT_NONE && refusal->code != E_TAKEN_OVER && refused->request == 0")],
          "wicid", "test_wire_account",
          ["every_kind_of_refusal_is_counted_in_the_log", "is not in the log, or more than it is"]),
    Plant("numbers_cut_short", "proto/decode.c",
          [("        value |= (uint64_t)(byte & 0x7f) << (7 * i);\n", "        value |= i < 4 ? (uint64_t)(byte & 0x7f) << (7 * i) : 0;\n")],
          "replay_event", ["replay_event", "200", "tests/fuzz/corpus/event"], ["not so: one != NULL && other != NULL && json_equal("]),
    Plant("bytes_not_read_again", "proto/json.c",
          [("i + 2 < len ? base64_digits[group & 63] : '=';", "i + 2 < len ? base64_digits[group & 63] : '*';")],
          "replay_json", ["replay_json", "50", "tests/fuzz/corpus/json"], ["not so: rc == 0 || rc == -ENOMEM"]),
    Plant("damage_in_english", "store/meta.c",
          [("    return speaks != NULL ? speaks(text) : text;\n", "    return speaks != NULL && text[0] == '\\0' ? speaks(text) : text;\n")],
          "wici-verify", ["e2e/test_damage.py"], ["FAILED: of_another_key: wici-verify in pl", "record 3: the row names another key"]),
    Plant("damage_without_a_word", "store/row.c",
          [("            return damage_set(st, \"record %\" PRIu64 \": the row names another key than it was written with\", seq);", "            return -EBADMSG;")],
          "replay_row", ["replay_row", "300", "tests/fuzz/corpus/row"], ["not so: st.damage[0] != '\\0'"]),
    Plant("full_and_half_at_once", "broker/core/policy.c",
          [(" && (cell->full & cell->half) == 0 &&", " &&")],
          "replay_policy", ["replay_policy", "0", SEEDS + "policy"], ["not so: (cell.full & cell.half) == 0"]),
    Plant("ceiling_of_another_role", "broker/core/policy.c",
          [("p->above[j].role == role && above_matches(", "above_matches(")],
          "replay_policy", ["replay_policy", "0", SEEDS + "policy"], ["not so: (cell.full >> cls & 1) == 0 || most == 'Y'"]),
    Plant("acknowledged_unsent", "broker/talk_read.c",
          [("ack->seq < r->acked || (ack->seq > r->sent && ack->seq > r->announced)) {", "ack->seq < r->acked) {")],
          "replay_talk", ["replay_talk", "0", SEEDS + "talk"], ["not so: r->acked <= r->sent || r->acked <= r->announced"]),
    Plant("given_twice", "agents/subscribe.c",
          [("    if (event.seq > s->seen) {\n", "    if (event.seq >= s->seen) {\n")],
          "replay_client", ["replay_client", "0", SEEDS + "client"], ["not so: event->seq > *last"]),
    Plant("refused_still_flies", "agents/publish.c",
          [("        p->number = 0;\n        w->in_flight--;\n", "        p->number = 0;\n")],
          "replay_client", ["replay_client", "0", SEEDS + "client"], ["not so: client->in_flight == flying"]),
    Plant("unanswered_forgotten", "agents/client_link.c", [("        publish_down(w);\n", "")],
          "wici-agent", ["e2e/test_network.py", "--heal", "20", "1"], ["FAILED:", "Failure: ", "receipt of "]),
    Plant("receipt_of_the_lost_branch", "agents/agent_wici.c",
          [("    rc = kept.failed ? -ENOMEM : receipts_again(a->dirs, before, kept.ids, kept.count);\n",
            "    rc = kept.failed ? -ENOMEM : receipts_again(a->dirs, before, kept.ids, 0);\n")],
          "wici-agent", ["e2e/test_restore.py", "--again"], ["Failure: ", "word of what is to be asked for"]),
    Plant("receipt_replaced", "agents/outbox_receipt.c",
          [("    receipt_name(file, stem_of(note), now.epoch, name);\n", "    receipt_name(file, stem_of(note), 1, name);\n")],
          "wici-agent", ["e2e/test_restore.py", "--again"], ["Failure: ", "later receipts: []"]),
    Plant("receipt_of_any_record", "agents/outbox_receipt.c",
          [("    same = record_is(r, note, latest, &now.leaf);\n", "    same = 0;\n")],
          "wici-agent", ["e2e/test_restore.py", "--again"], ["Failure: later receipts: ", "k0.receipt-e2"]),
    Plant("session_without_hello", "broker/talk.c",
          [("    if ((session == NULL) != hello) {\n",
            "    if (session == NULL && !hello && sessions_add(b->sessions, &from->route, from->key, unit, \"main\", &session) != 0)\n"
            "        return -EIO;\n    if ((session == NULL) != hello) {\n")],
          "wicid", "test_wire_door", ["before_hello_everything_is_refused"]),
    Plant("suspended_goes_on", "broker/broker.c",
          [("    if ((rc = talk_sweep(b, true)) != 0 ||", "    if ((rc = talk_sweep(b, false)) != 0 ||"),
           ("            rc = talk_sweep(b, true);", "            rc = talk_sweep(b, false);")],
          "wicid", "test_wire_door", ["a_suspended_unit_is_told_once_and_gets_nothing_more"]),
    Plant("frames_joined", "broker/front.c",
          [("        message->bad_frames = true;\n", "")],
          "wicid", "test_wire_door", ["a_message_is_one_frame_with_one_message_in_it"]),
    Plant("any_size", "broker/front.c",
          [("    int64_t size_max = WIRE_MESSAGE_MAX;", "    int64_t size_max = -1;")],
          "wicid", "test_wire_door", ["what_is_too_large_is_never_taken_in"]),
    Plant("name_handed_over", "broker/front.c",
          [("(rc = option_int(router, ZMQ_ROUTER_MANDATORY, 1)) != 0 ||",
            "(rc = option_int(router, ZMQ_ROUTER_MANDATORY, 1)) != 0 ||\n        (rc = option_int(router, ZMQ_ROUTER_HANDOVER, 1)) != 0 ||")],
          "wicid", "test_wire_strangers", ["a_routing_id_that_is_squatted_takes_nobodys_answers"]),
    Plant("half_handshakes_stay", "broker/front.c",
          [("ZMQ_HANDSHAKE_IVL, FRONT_HANDSHAKE_MS)", "ZMQ_HANDSHAKE_IVL, 0)")],
          "wicid", "test_wire_strangers", ["who_stops_in_the_middle_of_a_handshake_is_closed"]),
    Plant("waiting_missed", "broker/watch.c",
          [("    if (c->cookie != cookie && !c->fresh)\n        c->taken = 0;\n", "")],
          "test_watch", "test_watch", ["what_an_earlier_connection_had_taken_is_not_the_next_ones"]),
    Plant("waiting_summed_up_wrong", "broker/watch.c",
          [("        else\n            all += waiting;\n", "        else\n            all = waiting;\n")],
          "test_watch", "test_watch", ["of_all_together_those_with_the_most_are_cut_off_until_it_is_less"]),
    Plant("cut_off_twice", "broker/watch.c",
          [("    watch->connections[fd].cut = true;\n", "")],
          "test_watch", "test_watch", ["who_has_too_much_waiting_is_cut_off_once"]),
    Plant("taken_still_waits", "broker/watch.c",
          [("        c->taken += bytes + FRAME_OVERHEAD;", "        c->taken = bytes + FRAME_OVERHEAD;")],
          "test_watch", "test_watch", ["what_was_taken_does_not_wait"]),
    Plant("key_has_no_end", "broker/core/directory.c",
          [("    return key->until_ms == 0 || now_ms < key->until_ms;", "    return key->until_ms == 0 || now_ms > 0;")],
          "test_wire_time", "test_wire_time",
          ["a_rotated_key_serves_beside_the_new_one_until_its_time_and_no_longer"]),
    Plant("places_without_end", "broker/session.c",
          [("    if (u->session_count >= SESSIONS_PER_UNIT_MAX || (", "    if ((")],
          "test_wire_sessions", "test_wire_sessions", ["places_that_all_read_are_kept_until_their_peers_are_gone"]),
    Plant("unknown_is_quicker", "broker/core/decide.c",
          [("    bool may = ((unsigned)decide_may_write(d) |", "    bool may = d->dossier != DOSSIER_NONE && ((unsigned)decide_may_write(d) |")],
          "test_core_time", "test_core_time",
          ["writing_into_a_dossier_of_others_takes_the_work_of_one_that_is_not_there"]),
    Plant("full_log_latches", "broker/broker.c",
          [("    b->no_room = true;\n", "    b->no_room = false;\n")],
          "wicid", "test_wire_fault", ["a_full_log_refuses_publishes_and_goes_on_reading"]),
    Plant("few_descriptors", "broker/wicid.c",
          [("limit.rlim_cur >= DESCRIPTORS_MIN)", "limit.rlim_cur >= 16)")],
          "wicid", "test_wire_descriptors", ["a_broker_that_may_not_open_enough_files_says_so_and_does_not_start"]),
    Plant("jump_followed", "broker/clock.c",
          [("    return jump > (int64_t)CLOCK_JUMP_MAX_MS || jump < -(int64_t)CLOCK_JUMP_MAX_MS ? -ETIME : 0;", "    return jump == INT64_MAX ? -ETIME : 0;")],
          "test_wire_time", "test_wire_time",
          ["a_clock_that_jumps_ahead_stops_the_broker", "a_clock_that_jumps_back_stops_the_broker"]),
    Plant("start_at_any_time", "broker/clock.c",
          [("        return -ETIME;\n    return 0;", "        return 0;\n    return 0;")],
          "test_wire_time", "test_wire_time",
          ["a_log_that_is_ahead_of_the_clock_is_not_continued_without_the_operators_word",
           "a_log_that_was_at_rest_for_a_month_is_not_continued_without_the_operators_word"]),
    Plant("half_a_message", "broker/front.c",
          [("        front->broken = true;\n        rc = -EIO;", "        rc = -EIO;")],
          "wicid_checked", ["crash/faults.py", "--only", "payload EAGAIN 8"], ["FAILED: serve: payload EAGAIN 8", "2 frames"]),
    Plant("full_key_store_is_no_failure", "store/store.c",
          [("        (void)batch_fail(st, rc);\n        return -EIO; /*",
            "        if (rc == -ENOSPC)\n            return rc;\n        (void)batch_fail(st, rc);\n        return -EIO; /*")],
          "wicid_checked", ["crash/faults.py", "--workload", "grow", "--only", "write ENOSPC 2"],
          ["/keys/keys it did not go on"]),
    Plant("failed_commit_goes_on", "store/store.c",
          [("        rc = err_from_lmdb(mdb_txn_commit(st->txn));\n",
            "        rc = err_from_lmdb(mdb_txn_commit(st->txn));\n        rc = rc == -EIO ? 0 : rc;\n")],
          "wicid_checked", ["crash/faults.py", "--only", "sync EIO 12"],
          ["FAILED: serve: sync EIO 12", "/data/log/data.mdb): Broken: "]),  # it went on; or answered, and stopped later
    Plant("chunk_before_commit", "broker/document_talk.c",
          [("    message.document_state = &state;\n    reply_queue(b, &session->route, session->unit, &message);\n",
            "    message.document_state = &state;\n    reply_queue(b, &session->route, session->unit, &message);\n"
            "    reply_flush(b);\n")],
          "test_wire_commit", "test_wire_commit",
          ["a_document_is_said_to_be_there_when_it_is", "was answered before the commit had ended"]),
    Plant("uploads_forgotten", "broker/documents.c",
          [("    rc = store_doc_each(store, upload_load, d);\n", "    rc = upload_load == NULL ? -EIO : 0;\n")],
          "wicid_checked", ["crash/faults.py", "--workload", "papers", "--only", "sync EIO 1000000"],
          ["FAILED: papers: sync EIO 1000000", "of half 262144 bytes were acknowledged, 0 are there"]),
    Plant("answer_before_commit_killed", "broker/broker.c",
          [("(rc = broker_timers(b)) != 0 || (rc = broker_commit(b)) != 0",
            "(rc = broker_timers(b)) != 0 || (reply_flush(b), rc = broker_commit(b)) != 0")],
          "wicid_checked", ["crash/kills.py", "--only", "publish meta KILL 3-10"],
          ["FAILED: publish meta KILL", "what was acknowledged is there"]),
    Plant("mark_ends_before_its_record", "broker/access.c",
          [("        if (rc == 0 || rc == -ENOSPC)\n            rc = record_write(b, &record);\n        if (rc == 0)\n"
            "            rc = store_value_drop(b->store, m.names[i]);\n",
            "        rc = store_value_drop(b->store, m.names[i]);\n        if (rc == 0 && (rc = store_commit(b->store)) == 0)\n"
            "            rc = record_write(b, &record);\n")],
          "wicid_checked", ["crash/kills.py", "--only", "publish step KILL 200", "--second", "chain"],
          ["FAILED: publish step KILL 200", "who was given something is named"], without=2),
    Plant("chunk_before_commit_killed", "broker/document_talk.c",
          [("    message.document_state = &state;\n    reply_queue(b, &session->route, session->unit, &message);\n",
            "    message.document_state = &state;\n    reply_queue(b, &session->route, session->unit, &message);\n"
            "    reply_flush(b);\n")],
          "wicid_checked", ["crash/kills.py", "--only", "upload meta KILL 3-12"],
          ["FAILED: upload meta KILL", "bytes were acknowledged"]),
    Plant("document_bound_later", "broker/sequence.c",
          [("    if (rc == 0 && names_documents)\n        rc = documents_bind(s->documents, unit, decision.entry, event);\n",
            "    if (rc == 0 && names_documents && (rc = store_commit(s->store)) == 0)\n"
            "        rc = documents_bind(s->documents, unit, decision.entry, event);\n")],
          "wicid_checked", ["crash/kills.py", "--only", "upload meta KILL 5-16"],
          ["FAILED: upload meta KILL", "the log holds: ", "a document that record"]),
    Plant("quota_forgotten", "broker/documents.c",
          [("    return upload_add(d, doc, unit.agency,\n", "    return upload_add(d, doc, \"\",\n")],
          "wicid_checked", ["crash/kills.py", "--only", "upload step KILL 90"],
          ["FAILED: upload step KILL 90", "bytes wait"]),
    Plant("swept_row_before_key", "store/doc.c",
          [("    int rc = store_key_erase(st, doc->entry);\n\n    return rc == 0 ? rows_of_drop(st, &key, doc->entry, STORE_DOC_SIZE_MAX) : rc;",
            "    int rc = rows_of_drop(st, &key, doc->entry, STORE_DOC_SIZE_MAX);\n\n    rc = rc == 0 ? store_commit(st) : rc;\n"
            "    return rc == 0 ? store_key_erase(st, doc->entry) : rc;")],
          "wicid_checked", ["crash/kills.py", "--only", "sweep sync KILL 3-12"],
          ["FAILED: sweep sync KILL", "what no event named is destroyed after a day"]),
    Plant("document_unbound", "broker/documents.c",
          [("        if (upload == NULL || !fits(&upload->doc, &walk))\n            continue;\n        documents_count(d, 0);\n",
            "        if (upload == NULL || !fits(&upload->doc, &walk) || walk.section > 0)\n            continue;\n        documents_count(d, 0);\n")],
          "test_wire_documents", "test_wire_documents",
          ["a_document_goes_to_who_is_given_a_section_that_names_it"]),
    Plant("swept_too_early", "broker/documents.c",
          [("now_ms - u->doc.began_ms < DOCUMENT_KEPT_MS)", "now_ms - u->doc.began_ms < DOCUMENT_KEPT_MS / 2)")],
          "test_wire_documents", "test_wire_documents", ["an_upload_without_an_event_is_dropped_after_a_day"]),
    Plant("key_left", "broker/erase.c",
          [("    for (size_t i = 0; i < s->goes && rc == 0; i++)\n        rc = store_key_erase_marked(",
            "    for (size_t i = 1; i < s->goes && rc == 0; i++)\n        rc = store_key_erase_marked(")],
          "wicid_checked", ["crash/erasing.py", "--only", "sync EIO 1000000"],
          ["FAILED: sync EIO 1000000", "erase: it cannot go on"]),
    Plant("withheld_document", "broker/document_talk.c",
          [("        if ((view->sections >> walk.section & 1u) != 0 && ", "        if (view->received && ")],
          "test_wire_documents", "test_wire_documents",
          ["a_document_goes_to_who_is_given_a_section_that_names_it"]),
    Plant("document_unrecorded", "broker/document_talk.c",
          [("    if (at != NULL && get->offset != 0)\n        return 0;\n", "    if (at != NULL || get->offset == 0)\n        return 0;\n")],
          "test_wire_documents", "test_wire_documents",
          ["a_document_goes_to_who_is_given_a_section_that_names_it"]),
    Plant("backup_not_verified", "store/backup.c",
          [("    rc = copy_verify(b);\n", "    (void)copy_verify(b);\n    rc = 0;\n")],
          "wicid", "test_wire_backup", ["a_failure_leaves_no_half_and_the_broker_serves"]),
    Plant("epoch_number_again", "broker/rotate.c",
          [("uint64_t epoch = (past->epoch > last ? past->epoch : last) + 1;", "uint64_t epoch = last + 1;")],
          "wicid", "test_wire_restore",
          ["a_lost_guard_is_made_anew_and_the_epoch_is_above_all_that_is_known", "wire.example-e3"]),
    Plant("earlier_key_forgotten", "broker/rotate.c",
          [("key_have(after) ? after : NULL, &r->fresh)", "after == NULL ? after : NULL, &r->fresh)")],
          "wicid", "test_wire_rotate", ["a_log_lost_again_before_its_new_epoch_served_goes_on_as_the_next_one"]),
    Plant("lost_branch_stuck", "broker/rotate.c",
          [("past->unguarded || old_key_is_lost_branchs(r) ||", "past->unguarded ||")],
          "wicid", "test_wire_rotate", ["a_log_that_is_whole_and_whose_key_is_of_a_lost_branch_goes_on"]),
    Plant("unread_key_replaced", "broker/rotate.c",
          [("    if (rc == -ENOENT || rc == -EBADMSG)\n        return 0;\n    log_error(", "    return 0;\n    log_error(")],
          "wicid", "test_wire_rotate", ["a_key_that_cannot_be_read_is_not_replaced_and_one_that_is_lost_is"]),
    Plant("older_log_rekeyed", "broker/rotate.c",
          [("        return checkpoints_compare(&options);\n", "        return options.store == NULL;\n")],
          "wicid", "test_wire_rotate", ["the_key_of_an_older_log_is_not_changed"]),
    Plant("epochs_fall", "store/verify.c",
          [("if (epoch < v->epoch || epoch > v->st->identity.epoch)", "if (epoch > v->st->identity.epoch)")],
          "test_verify", "test_verify", ["epochs_never_fall_from_one_kept_checkpoint_to_the_next"]),
    Plant("id_rows_one_way", "store/verify.c",
          [("    else if ((rc = verify_ids_record(&v->ids, row->seq, says.id)) != 0)", "    else if ((rc = 0) != 0)")],
          "test_verify_rows", "test_verify_rows", ["ids_that_were_changed_round_are_found"]),
    Plant("documents_not_opened", "store/verify_doc.c",
          [("    v->of_entry[doc.entry] |= NAMED;\n    return chunks_open(v, &doc);", "    v->of_entry[doc.entry] |= NAMED;\n    return 0;")],
          "test_verify_docs", "test_verify_docs", ["each_byte_of_what_is_sealed_counts_without_keys_too"]),
    Plant("piece_sum_unseen", "store/verify_doc.c",
          [("    if ((v->of_entry[entry] & KIND) != NAMED && !doc_row_adds_up(key, val))\n", "    if (key->mv_size == 0 && !doc_row_adds_up(key, val))\n")],
          "test_verify_docs", "test_verify_docs", ["each_byte_of_what_is_sealed_counts_without_keys_too"]),
    Plant("misplaced_page_unseen", "store/absent.c",
          [("    return right && (rc == 0 || rc == MDB_NOTFOUND);\n", "    return right || rc == MDB_NOTFOUND || rc == 0;\n")],
          "test_store_damage_pages", "test_store_damage_pages", ["a_page_of_another_table_is_not_taken_for_missing_rows"]),
    Plant("free_pages_unseen", "store/verify.c",
          [("    int rc = damaged(v, verify_free_list(&v->pages, v->st, v->txn));", "    int rc = damaged(v, verify_free_list(&v->pages, v->st, v->txn));\n\n    rc = rc == -EBADMSG ? 0 : rc;")],
          "test_verify_rows", "test_verify_rows", ["damage_to_the_list_of_free_pages_is_found"]),
    Plant("kek_copy_unread", "store/kek.c",
          [("    rc = copy_check(k, k->copy, o->kek_copy, kek_copy_read);\n", "    rc = 0;\n")],
          "wicid", "test_wire_kek", ["a_copy_that_cannot_be_made_or_is_another_ones_changes_nothing"]),
    Plant("erased_documents_stay", "broker/erase.c",
          [("    if (e->key_at == erasure.count) {", "    if (e->key_at <= erasure.count) {")],
          "wicid_checked", ["crash/erasing.py", "--only", "sync KILL 12"],
          ["FAILED: sync KILL 12", "not as promised: it has no row of a document"]),
    Plant("erasure_left_undone", "broker/erase.c",
          [("        if (erasure.done_seq != 0)\n            continue;\n", "        if (erasure.done_seq != 0 || !e->preview)\n            continue;\n")],
          "wicid_checked", ["crash/erasing.py", "--only", "sync KILL 12"],
          ["FAILED: sync KILL 12", "the next start finishes it"]),
    Plant("erased_state_kept", "broker/erase.c",
          [("    e->stage = STAGE_DOCUMENTS;\n    return fold_begin(b);\n", "    e->stage = STAGE_DOCUMENTS;\n    return 0;\n")],
          "wicid_checked", ["crash/erasing.py", "--only", "sync EIO 1000000"],
          ["FAILED: sync EIO 1000000", "not as promised: the live state is the log's fold"]),
    Plant("index_sum_unseen", "store/find_chunk.c",
          [("        be64_get(bytes + len) != chunk_sum(key->mv_data, bytes, len))\n", "        be64_get(bytes + len) == 0)\n")],
          "wicid", ["crash/rot.py", "--index", "--seeds", "8"], ["BROKEN seed", "what is told is what was written"]),
    Plant("index_pieces_forgotten", "store/find.c",
          [("    return list < f->next ? 0 : tail_push(", "    return tail_push(")],
          "test_find", "test_find", ["stopped_after_any_piece_it_goes_on_where_it_was"]),
    Plant("index_whole_too_early", "store/find.c",
          [("        progress.next = f->lists[upto];\n", "        progress.next = f->lists[upto];\n        progress.mark = f->aim;\n")],
          "test_find", "test_find", ["stopped_after_any_piece_it_goes_on_where_it_was"]),
    Plant("time_unsealed", "store/seal.c",
          [("plain, len, leaf_input, leaf_len(leaf_input), NULL,",
            "plain, len, leaf_input + SEAL_LEAF_HEAD, leaf_len(leaf_input) - SEAL_LEAF_HEAD, NULL,"),
           ("sealed, len, leaf_input, leaf_len(leaf_input),\n",
            "sealed, len, leaf_input + SEAL_LEAF_HEAD, leaf_len(leaf_input) - SEAL_LEAF_HEAD,\n")],
          "test_store_damage", "test_store_damage", ["a_flipped_byte_of_a_sealed_row_is_noticed"]),
]


class Unfit(Exception):
    """The plant does not show what it is for."""


def planted(plant):
    """The text of the source with the bug in it."""
    with open(os.path.join(SOURCE, plant.file), encoding="utf-8") as source:
        text = source.read()
    for old, new in plant.edits:
        if text.count(old) != 1:
            raise Unfit(f"{plant.file} has {text.count(old)} times, not once:\n{old}")
        text = text.replace(old, new)
    return text


def run(command, **options):
    """Runs a command of the build; what it said when it fails."""
    done = subprocess.run(command, cwd=BUILD, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          **options)
    if done.returncode != 0:
        raise Unfit(f"{shlex.join(command)}\n{done.stdout}")
    return done.stdout


def compile_command(file):
    """How the library that has this file compiles it: its command, the object's name in it."""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as commands:
        for entry in json.load(commands):
            command = shlex.split(entry["command"])
            output = command[command.index("-o") + 1]
            if os.path.samefile(entry["file"], os.path.join(SOURCE, file)) and "tests/" not in output:
                return command
    raise Unfit(f"nothing compiles {file}")


def compiled(plant, folder):
    """The object of the planted copy."""
    copy = os.path.join(folder, os.path.basename(plant.file))
    command = compile_command(plant.file)
    text = planted(plant)
    with open(copy, "w", encoding="utf-8") as out:
        out.write(text)
    for flag in ("-o", "-c", "-MF", "-MT"):
        if flag in command:
            command[command.index(flag) + 1] = {"-o": copy + ".o", "-c": copy, "-MF": copy + ".d", "-MT": copy}[flag]
    if re.search(r'^#include "[^/"]+"', text, re.MULTILINE):  # of its own folder; elsewhere proto/limits.h would hide the system's
        command += ["-iquote", os.path.dirname(os.path.join(SOURCE, plant.file))]
    run(command + ["-w"])
    return copy + ".o"


def linked(plant, folder):
    """The program, with the planted object before the libraries: the one that the library has is not looked for then."""
    ninja = run(["ninja", "-t", "commands", plant.program]).strip().splitlines()[-1]
    command = [word for word in shlex.split(ninja) if word not in (":", "&&")]
    output = command.index("-o") + 1
    path = os.path.join(folder, os.path.basename(command[output]))
    command[output] = path
    own = f"{plant.program}.dir/{os.path.basename(plant.file)}.o"  # with main() in it: no library has that
    command = [word for word in command if not word.endswith(own)]
    command.insert(command.index(path) + 1, compiled(plant, folder))
    run(command)
    return path


def programs(plant, folder):
    """Where the checker finds the programs: the planted one, and the build's others."""
    build = os.path.join(BUILD, "bin")
    if plant.program not in os.listdir(build):
        return build
    links = {os.path.join(folder, name): os.path.join(build, name) for name in os.listdir(build)}
    links[os.path.join(folder, "..", "share")] = os.path.join(BUILD, "share")
    for link, target in links.items():
        try:
            os.symlink(target, link)
        except FileExistsError:
            pass
    return folder


def check(plant):
    """Plants the bug and runs its checker. Says how it was found."""
    with open(os.path.join(SOURCE, "docs", "TESTING.md"), encoding="utf-8") as docs:
        if f"`{plant.name}`" not in docs.read():
            raise Unfit("docs/TESTING.md does not name it")
    folder = os.path.join(BUILD, "plants", plant.name)
    os.makedirs(folder, exist_ok=True)
    program = linked(plant, folder)
    name, *arguments = plant.checker if isinstance(plant.checker, list) else [plant.checker]
    if name.endswith(".py"):
        command = [sys.executable, "-B", os.path.join(SOURCE, "tests", name), *arguments]
    else:
        command = [program if plant.program == name else os.path.join(BUILD, "tests", name), *arguments]
    env = {**os.environ, "WICI_BIN": programs(plant, folder), "WICI_SOURCE": SOURCE, "ASAN_OPTIONS": "detect_leaks=0",  # what failed frees nothing
           "WICI_CHECKED": program if plant.program == "wicid_checked" else os.path.join(BUILD, "tests", "wicid_checked")}

    def ran(some):
        return subprocess.run(some, env=env, cwd=SOURCE, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=SECONDS, check=False)

    if plant.without:
        done = ran(command[:-plant.without])
        if done.returncode != 0:
            raise Unfit(f"{name} notices it without {shlex.join(command[-plant.without:])} too:\n{done.stdout}")
    done = ran(command)
    if done.returncode == 0:
        raise Unfit(f"{name} did not notice:\n{done.stdout}")
    for text in plant.finds:
        if text not in done.stdout or (text.isidentifier() and f"[  FAILED  ] {text}" not in done.stdout):
            raise Unfit(f"{name} failed, but not by \"{text}\":\n{done.stdout}")
    noise = re.search(r"AddressSanitizer|runtime error", done.stdout)
    if noise:
        raise Unfit(f"{name} ended in {noise.group()}:\n{done.stdout}")
    return f"{plant.name}: found by {name}: {', '.join(plant.finds)}"


def main():
    """See the top of the file."""
    if sys.argv[1:] == ["--names"]:
        print("\n".join(plant.name for plant in PLANTS))
        return 0
    if sys.argv[1:] == ["--texts"]:
        try:
            for plant in PLANTS:
                planted(plant)
        except Unfit as unfit:
            print(f"FAILED: {plant.name}: {unfit}")
            return 1
        return 0
    chosen = [plant for plant in PLANTS if plant.name in sys.argv[1:]]
    if len(chosen) != len(sys.argv) - 1 or not chosen:
        print(f"usage: {sys.argv[0]} --names | --texts | NAME...", file=sys.stderr)
        return 2
    try:
        for plant in chosen:
            print(check(plant))
    except Unfit as unfit:
        print(f"FAILED: {plant.name}: {unfit}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
