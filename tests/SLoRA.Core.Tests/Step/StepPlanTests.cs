using NUnit.Framework;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Step;

[Parallelizable(ParallelScope.All)]
public sealed class StepPlanTests
{
    [Test]
    public void A_slice_says_where_its_positions_and_where_its_states_are()
    {
        // Longer tables than there is room for at first.
        var plan = new StepPlan(8, 8, pageCount: 3);
        plan.AddSlice([1, 2, 3], 4, [10, 11], 1, [20, 21, 22]);
        plan.AddSlice([5], 0, [12], 0);
        plan.AddSlice([6], 0, [13], 1, [23]);

        Assert.That(
            plan.Slices.ToArray().Select(slice => plan.PageTables.Slice(slice.TableStart, slice.TableLength).ToArray()),
            Is.EqualTo(new int[][] { [10, 11], [12], [13] }));
        Assert.That(
            plan.Slices.ToArray().Select(slice => plan.StatePages(slice).ToArray()),
            Is.EqualTo(new int[][] { [20, 21, 22], [], [23] }));

        plan.Clear();
        plan.AddSlice([7], 0, [14], 0, [24]);
        Assert.That(plan.StatePages(plan.Slices[0]).ToArray(), Is.EqualTo(new[] { 24 }));
    }

    [Test]
    public void Groups_of_layers_have_tables_of_their_own_which_begin_with_the_first_page_that_is_seen()
    {
        var plan = new StepPlan(8, 8, pageCount: 3);
        plan.AddSlice([1, 2], 40, [10, 11, 12], 1, [20]);
        plan.AddTable([30, 31], 1);
        plan.AddTable([40], 2);
        plan.AddSlice([5], 5, [13], 0, firstPage: 7);
        plan.AddTable([32], 0);
        plan.AddTable([41, 42], 9);

        (StepSlice first, StepSlice second) = (plan.Slices[0], plan.Slices[1]);
        Assert.That(plan.Groups, Is.EqualTo(3));
        Assert.That((Page(first, 0, 0), Page(first, 0, 2)), Is.EqualTo((10, 12)));
        Assert.That((Page(first, 1, 1), Page(first, 1, 2), Page(first, 2, 2)), Is.EqualTo((30, 31, 40)));
        Assert.That((Page(second, 0, 7), Page(second, 1, 0), Page(second, 2, 9), Page(second, 2, 10)), Is.EqualTo((13, 32, 41, 42)));
        Assert.That(plan.StatePages(first).ToArray(), Is.EqualTo(new[] { 20 }));

        plan.Clear();
        plan.AddSlice([7], 0, [14], 0);
        Assert.That((plan.Groups, Page(plan.Slices[0], 0, 0)), Is.EqualTo((1, 14)));

        int Page(StepSlice slice, int group, int page) => plan.PageTables[plan.TableStart(slice, group) + page];
    }
}
