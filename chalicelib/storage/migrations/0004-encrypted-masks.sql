alter table projects drop constraint projects_result_type_check;
alter table projects add constraint projects_result_type_check
    check (result_type in ('groups', 'similarity_scores', 'permutations', 'permutation'));
-- Of result type permutation alone: the key that its mask is encrypted with, and what its clients make of it.
alter table projects add column public_key jsonb;
alter table projects add column paillier_context jsonb;
alter table projects add constraint projects_key_check
    check ((result_type = 'permutation') = (public_key is not null and paillier_context is not null));

alter table runs add column mask_bits integer check (mask_bits >= 0);
alter table runs add column time_encrypted timestamp;
