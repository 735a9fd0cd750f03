using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Step;

/// <summary>Which layers share pages, worked out by hand.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LayerGroupsTests
{
    [Test]
    public void Layers_that_see_the_same_are_one_group_whatever_they_keep()
    {
        LayerGroups groups = LayerGroups.Of([new(2, 16), new(8, 64), new(1, 4)]);

        Assert.That(groups.Sights, Is.EqualTo(new[] { default(Sight) }));
        Assert.That(groups.GroupOf, Is.EqualTo(new[] { 0, 0, 0 }));
    }

    [Test]
    public void A_model_that_keeps_nothing_has_one_group() => Assert.That(LayerGroups.Of([]).Sights, Has.Length.EqualTo(1));

    [Test]
    public void Groups_that_see_everything_come_first()
    {
        KeyValueShape window = new(2, 16) { Sight = new(8) }, whole = new(2, 16);
        LayerGroups groups = LayerGroups.Of([window, whole, window, whole]);

        Assert.That(groups.Sights, Is.EqualTo(new Sight[] { default, new(8) }));
        Assert.That(groups.GroupOf, Is.EqualTo(new[] { 1, 0, 1, 0 }));
    }

    /// <summary>
    /// Families as they are published, whole layers among windowed ones: pages are as large as the fewer of them ask for, unless
    /// that wastes more than 15 %.
    /// </summary>
    /// <param name="layers">All layers.</param>
    /// <param name="every">Every so-many-th layer sees everything.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="most">Layers of the largest.</param>
    [TestCase(24, 2, 2, 12, Description = "gpt-oss: one to one")]
    [TestCase(32, 4, 4, 8, Description = "OLMo 3, Cohere 2, EXAONE 4, Llama 4: three to one")]
    [TestCase(48, 6, 6, 8, Description = "Gemma 3 12B: five to one")]
    [TestCase(34, 6, 7, 5, Description = "Gemma 3 4B: 29 windows beside 5, so the last group lacks one")]
    [TestCase(26, 6, 7, 4, Description = "Gemma 3 1B: 22 beside 4, two places of 28 are lost")]
    [TestCase(62, 6, 6, 11, Description = "Gemma 3 27B: 52 in five of 11 at most, so the ten others lose a tenth")]
    public void Windows_beside_whole_layers_are_cut_into_groups_of_about_their_size(int layers, int every, int groups, int most)
    {
        KeyValueShape[] shapes =
            [.. Enumerable.Range(1, layers).Select(layer => new KeyValueShape(4, 64) { Sight = layer % every == 0 ? default : new(1024) })];
        LayerGroups cut = LayerGroups.Of([.. shapes]);

        Assert.That(cut.Sights, Has.Length.EqualTo(groups));
        Assert.That(cut.GroupOf.GroupBy(group => group).Max(group => group.Count()), Is.EqualTo(most));
        Assert.That(cut.Sights.Count(sight => !sight.IsBounded), Is.EqualTo(1));
        KvLayout layout = KvLayout.For([.. shapes.Select(shape => (KeptState)shape)], TensorType.BF16, 16);
        Assert.That(layout.PageBytes, Is.EqualTo(most * 16 * 2 * 4 * 64 * 2), "a page has the layers of the largest group");
        Assert.That(
            layout.Layers.GroupBy(layer => layer.Group).Select(group => group.Select(layer => layer.KeyOffset)),
            Is.All.Unique, "layers of one group lie side by side");
    }

    [Test]
    public void A_few_windowed_layers_do_not_take_pages_as_large_as_those_of_many_whole_ones()
    {
        // 24 whole layers beside 4: pages of 24 would give the four six times what they need. Of three of 8 and one of 4 a seventh is lost.
        LayerGroups cut = LayerGroups.Of(
            [.. Enumerable.Range(0, 28).Select(layer => new KeyValueShape(4, 64) { Sight = layer < 24 ? default : new(4096) })]);

        Assert.That(cut.GroupOf.GroupBy(group => group).Select(group => group.Count()), Is.EqualTo(new[] { 8, 8, 8, 4 }));
        Assert.That(cut.Sights.Count(sight => !sight.IsBounded), Is.EqualTo(3));
    }

    [Test]
    public void Layers_of_unequal_size_are_counted_by_what_they_keep()
    {
        // Two whole layers with 2 × (40 + 40) numbers of a token, and twelve windows with 20 + 20: 320 and 480.
        KeyValueShape whole = new(2, 40), window = new(1, 20) { Sight = new(16) };
        LayerGroups cut = LayerGroups.Of([whole, .. Enumerable.Repeat(window, 12), whole]);

        // Pages of 480 would lose half of what whole layers have, pages of 320 a fifth of all, pages of 160 nothing.
        Assert.That(cut.GroupOf, Is.EqualTo(new[] { 0, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 1 }));
    }
}
