using NUnit.Framework;
using SLoRA.Engine;
using SLoRA.Pool;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Every kind of wrong book is found: each test takes right books and breaks one thing.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class InvariantValidatorTests
{
    private static readonly EngineSnapshot Right = new(
        new PoolSnapshot([1, 2, 0, 0], [2, 3], 1),
        [new OwnerSnapshot("sequence", [0, 1], 1)],
        [new OwnerSnapshot("generation", [1], 0)]);

    [Test]
    public void Right_books_pass() => Assert.That(InvariantValidator.Violations(Right), Is.Empty);

    [Test]
    public void A_page_that_nobody_says_to_own_is_found() => Finds(Right with { Generations = [] }, "Page 1 has 1 owners");

    [Test]
    public void A_free_page_in_a_page_table_is_found() =>
        Finds(Right with { Sequences = [new OwnerSnapshot("sequence", [0, 1, 2], 1)] }, "Page 2 has 1 owners");

    [Test]
    public void A_page_that_does_not_exist_is_found() =>
        Finds(Right with { Sequences = [new OwnerSnapshot("sequence", [0, 1, 4], 1)] }, "page 4, which does not exist");

    [Test]
    public void A_page_that_is_free_twice_is_found() => Finds(Right with { Pool = Right.Pool with { Free = [2, 2] } }, "free list twice");

    [Test]
    public void An_owned_page_on_the_free_list_is_found() =>
        Finds(Right with { Pool = Right.Pool with { Free = [2, 0] } }, "free list and owned");

    [Test]
    public void A_lost_page_is_found() =>
        Finds(Right with { Pool = Right.Pool with { Free = [2] } }, "2 pages have no owner, 1 are on the free list");

    [Test]
    public void A_forgotten_promise_is_found() => Finds(Right with { Pool = Right.Pool with { Reserved = 2 } }, "promised 1 pages");

    [Test]
    public void A_generation_without_all_its_pages_is_found() =>
        Finds(Right with { Generations = [new OwnerSnapshot("generation", [1], 0) { Whole = 2 }] }, "1 of its 2 pages");

    [Test]
    public void A_sequence_may_have_states_in_pages_of_its_own() =>
        Assert.That(InvariantValidator.Violations(Right with { Sequences = [States(1, 0, 1)] }), Is.Empty);

    [Test]
    public void A_page_of_states_that_somebody_else_owns_is_found() =>
        Finds(Right with { Sequences = [States(1, 1, 0)] }, "Page 1 holds states of one sequence and has 2 owners");

    [Test]
    public void A_sequence_without_all_its_states_is_found() =>
        Finds(Right with { Sequences = [States(3, 0, 1)] }, "has 2 of its 3 pages of states");

    [Test]
    public void A_kept_page_that_the_pool_does_not_know_is_found() =>
        Finds(Right with { Prefixes = [new PrefixSnapshot(0, -1)] }, "Page 0 has 2 owners, the pool counts 1");

    [Test]
    public void A_kept_page_whose_parent_has_gone_is_found() =>
        Finds(Right with { Generations = [], Prefixes = [new PrefixSnapshot(1, 0)] }, "the page 0 that it continues is not");

    [Test]
    public void A_page_that_is_kept_twice_is_found() =>
        Finds(Right with { Prefixes = [new PrefixSnapshot(0, -1), new PrefixSnapshot(0, -1)] }, "kept twice");

    [Test]
    public void A_kept_page_in_the_wrong_place_of_a_sequence_is_found() =>
        Finds(
            Right with
            {
                Sequences = [new OwnerSnapshot("sequence", [0, 1], 1) { Tables = [new TableSnapshot(0, [0, 1])] }],
                Generations = [],
                Prefixes = [new PrefixSnapshot(1, -1)],
            },
            "behind another page than -1");

    [Test]
    public void A_kept_page_behind_one_that_was_let_go_is_right() =>
        Assert.That(InvariantValidator.Violations(Right with
        {
            Sequences = [new OwnerSnapshot("sequence", [0, 1], 1) { Tables = [new TableSnapshot(3, [1, 0], true, true)] }],
            Generations = [],
            Prefixes = [new PrefixSnapshot(1, -1)],
        }), Is.Empty);

    [TestCase(true, true, 1)]
    [TestCase(true, false, 1)]
    [TestCase(false, false, 0)]
    public void Promises_that_are_not_set_aside_for_a_shared_page_of_a_window_are_found(bool passes, bool otherPasses, int wanted)
    {
        EngineSnapshot shared = Right with
        {
            Pool = new PoolSnapshot([2, 0, 0], [1, 2], 1 + wanted) { SetAside = wanted },
            Sequences =
            [
                new OwnerSnapshot("sequence", [0], 1) { Tables = [new TableSnapshot(0, [0], true, passes)] },
                new OwnerSnapshot("sequence", [0], 0) { Tables = [new TableSnapshot(0, [0], true, otherPasses)] },
            ],
            Generations = [],
        };

        Assert.That(InvariantValidator.Violations(shared), Is.Empty);
        Finds(shared with { Pool = shared.Pool with { SetAside = 1 - wanted } }, $"ask for {wanted} promises, {1 - wanted} are set aside");
    }

    [Test]
    public void A_wrong_count_of_idle_pages_is_found() =>
        Finds(Right with { IdlePrefixes = 1 }, "0 kept pages are idle, the prefix cache counts 1");

    [Test]
    public void A_lease_that_is_not_counted_is_found() =>
        Finds(Right with { Leases = [new LeaseSnapshot("a", 2, 1)] }, "2 leases are held on adapter 'a', which counts 1");

    [Test]
    public void A_lease_that_nobody_holds_is_found() =>
        Finds(Right with { Leases = [new LeaseSnapshot("a", 1, 2)] }, "1 leases are held on adapter 'a', which counts 2");

    [Test]
    public void A_lease_on_an_adapter_that_nobody_names_any_more_is_found() =>
        Finds(Right with { CountedLeases = 1 }, "0 leases are held, 1 are counted");

    [TestCase(1, 0)]
    [TestCase(0, 1)]
    public void A_generation_that_is_used_otherwise_than_it_counts_is_found(int used, int counted) =>
        Finds(Right with { Users = [new UserSnapshot(7, used, counted)] },
            $"{used} leases of running sequences use generation 7, which counts {counted}");

    [Test]
    public void A_lost_swapped_page_is_found() =>
        Finds(Right with { SwapBlocks = 1 }, "1 blocks hold swapped pages, preempted sequences have 0");

    private static OwnerSnapshot States(int statePages, params int[] pages) =>
        new("sequence", [.. pages], 1) { StatePages = statePages };

    private static void Finds(EngineSnapshot snapshot, string violation)
    {
        Assert.That(InvariantValidator.Violations(snapshot), Has.Some.Contains(violation));
        Assert.That(() => InvariantValidator.ThrowIfViolated(snapshot), Throws.InvalidOperationException.With.Message.Contains(violation));
    }
}
