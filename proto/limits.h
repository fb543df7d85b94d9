/*
 * limits - every bound that a stranger, a partner or an operator can run into
 *
 * One list, so that docs/LIMITS.md (which says what each protects and what the peer sees when it is hit) can be
 * checked against it. A bound of one field stands beside the field, in the .proto files.
 */
#ifndef WICI_LIMITS_H
#define WICI_LIMITS_H

/* One table, in columns of its own. */
/* clang-format off */

/* The event */
#define EVENT_SECTIONS_MAX   30u            /* sections of one event: slots 0 and 1 are the header's and the broker's */
#define EVENT_SLOTS_MAX      32u            /* digests in one leaf */
#define EVENT_SIZE_MAX       (128u << 10)   /* bytes: header and sections of one event */
#define EVENT_HEADER_MAX     (4u << 10)     /* bytes of a header */
#define EVENT_NOTE_MAX       (24u << 10)    /* bytes of the broker's own section */
#define EVENT_DEPTH_MAX      8u             /* messages within messages */
#define EVENT_AHEAD_MS_MAX   300000u        /* how far ahead of the broker's clock an id or occurred_at may be */
#define ID_LEN_MAX           64u            /* bytes of an agency, unit, person or cursor name */
#define DECODE_ARENA_SIZE    (4u << 20)     /* bytes of memory that decoding one message or event may take */

/* The wire */
#define WIRE_MESSAGE_MAX     (1u << 20)     /* bytes of one message */
#define WIRE_PUBLISH_MAX     64u            /* events in one Publish */
#define WIRE_WINDOW_MAX      (1u << 20)     /* bytes of credit of one subscription */
#define WIRE_WINDOW_MIN      (4u << 10)
#define WIRE_BATCH_MAX       (256u << 10)   /* bytes of deliveries in one Batch, one event may exceed it */
#define WIRE_READ_MAX        1000u          /* events in one ReadResult */
#define REASON_MAX           200u           /* bytes of a reason for reading */
#define WIRE_FILTER_MAX      256u           /* dossiers named in a filter */

/* Sessions */
#define SESSIONS_MAX         4096u          /* connections that said Hello */
#define SESSIONS_PER_UNIT_MAX 64u
#define SUBSCRIPTIONS_PER_SESSION_MAX 16u
#define CURSORS_PER_UNIT_MAX 64u
#define READS_PER_SESSION_MAX 8u            /* bounded reads waiting in one session */
#define PUBLISHES_WAITING_MAX 2048u         /* events taken into one tick */

/* The directory */
#define AGENCIES_MAX         65536u
#define UNITS_MAX            65536u
#define KEYS_PER_UNIT_MAX    4u
#define REGISTERS_MAX        (1u << 20)     /* declarations, programmes, qualifications and volunteers' files */
#define POLICY_TEXT_MAX      65536u         /* bytes */
#define POLICY_SPECIALITIES_MAX 64u         /* doctors' specialities that it lists */

/* A dossier */
#define RELATIONS_PER_DOSSIER_MAX 4096u
#define DOSSIER_RESERVE      4u             /* one in so many relations, acts, marks is kept for who leads the dossier */
#define LEFT_PER_UNIT_MAX    2048u          /* acts and marks that one other unit may leave in a dossier */
#define NOTE_LIST_MAX        64u            /* units in each list of a note, as sys.proto has it */
#define ACTS_PER_DOSSIER_MAX 4096u          /* events of one dossier that the procedure keeps in mind */
#define GROUP_DOSSIERS_MAX   64u            /* dossiers merged into one group */
#define GROUP_SAYS_MAX       8192u          /* relations of a group's dossiers together; and acts; and marks */
#define LINKS_PER_DOSSIER_MAX 256u          /* dossiers that one is tied to */
#define CONSENT_TIES_MAX     16u            /* other dossiers, times consents, that rest on what one was given */
#define INCLUSIONS_MAX       64u            /* records of which one answer proves that they are in the log */
#define COURSES_MAX          200u           /* referrals in one answer */
#define COURSE_WORKERS_MAX   64u            /* workers told of one case */
#define OUTSIDE_MAX          200u           /* events due to an agency without the system, in one answer */
#define COURSES_LOOKED_AT_MAX 8192u         /* dossiers looked at for one answer */
#define MARKS_PER_DOSSIER_MAX 4096u         /* what events of one dossier say to its deadlines */
#define CLOCK_FAMILY_MAX     512u           /* dossiers that one deadline is looked for in */
#define CLOCK_FAMILY_SAYS_MAX 32768u        /* acts and marks of them together; two groups' worth and more */
#define LOOKED_AT_STEPS_MAX  (1u << 22)     /* acts and marks looked at for one answer, each as often as it is */
#define FETCHED_MAX          1024u          /* units told of one own event; more than can be addressed */
#define WORK_MAX             200u           /* tasks without a deadline in one answer */
#define WORK_LOOKED_AT_MAX   8192u          /* dossiers looked at for one answer */
#define ERASURES_ANSWER_MAX  1000u          /* erasures, or units that were told of one, in one answer */
#define CLOCKS_MAX           1000u          /* deadlines in one answer */
#define AGENCY_CLOCKS_MAX     512u          /* what returns for an agency as a whole, some six a year */
#define CLOCKS_LOOKED_AT_MAX 8192u          /* dossiers looked at for one answer */

/* Backups */
#define BACKUP_LABEL_MAX     64u            /* bytes of a backup's name */

/* Documents */
#define DOCUMENT_SIZE_MAX    (10u << 20)    /* bytes of one */
#define DOCUMENT_CHUNK_SIZE  (256u << 10)   /* bytes of each piece but the last */
#define DOCUMENTS_WAITING_MAX 1024u         /* uploads of one agency that no event names yet */
#define DOCUMENTS_WAITING_BYTES_MAX (256u << 20) /* their bytes, as announced */
#define DOCUMENT_KEPT_MS     86400000u      /* how long one waits for its event */
#define DOCUMENT_TICK_BYTES_MAX (1u << 20)  /* bytes of documents written and read in one tick, one message more */
#define DOCUMENTS_PER_SESSION_MAX 4u        /* documents that one session may be in the middle of reading */

/* The process */
#define DESCRIPTORS_MIN      64u            /* open files it must be allowed to have: below it libzmq gives up at start */

#endif
