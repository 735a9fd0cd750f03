using NUnit.Framework;
using SLoRA.Backends.Reference;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Reference;

public sealed class ReferenceRouterTests
{
    private readonly int[] _experts = new int[2];
    private readonly float[] _weights = new float[2];

    [Test]
    public void A_softmax_over_all_gives_less_than_one_and_normalised_one()
    {
        // e^0, e^ln 2, e^ln 5 of 8 in all.
        float[] logits = [0, MathF.Log(2), MathF.Log(5)];
        Choose(logits, new Routing { Experts = 3, Chosen = 2, Score = RouterScore.Softmax });
        Assert.That(_experts, Is.EqualTo((int[])[2, 1]));
        Assert.That(_weights, Is.EqualTo((float[])[5 / 8f, 2 / 8f]).Within(1e-6f));
        Choose(logits, new Routing { Experts = 3, Chosen = 2, Score = RouterScore.Softmax, Normalise = true, Scale = 2 });
        Assert.That(_weights, Is.EqualTo((float[])[10 / 7f, 4 / 7f]).Within(1e-6f));
        Choose(logits, new Routing { Experts = 3, Chosen = 2, Score = RouterScore.SoftmaxOfChosen });
        Assert.That(_weights, Is.EqualTo((float[])[5 / 7f, 2 / 7f]).Within(1e-6f));
    }

    [Test]
    public void A_correction_chooses_and_does_not_weigh()
    {
        float[] logits = [0, 3, -3, 1];
        Choose(logits, new Routing { Experts = 4, Chosen = 2, Score = RouterScore.Sigmoid }, [0, 0, 10, 0]);
        Assert.That(_experts, Is.EqualTo((int[])[2, 1]));
        Assert.That(_weights, Is.EqualTo((float[])[1 / (1 + MathF.Exp(3)), 1 / (1 + MathF.Exp(-3))]).Within(1e-6f));
    }

    [Test]
    public void The_best_expert_is_left_out_with_its_group()
    {
        // Sums of the two best of each group: 5 + -9, 3 + 2, 4 + 0 — before the sigmoid, which keeps their order here.
        float[] logits = [5, -9, 3, 2, 4, 0];
        Choose(logits, new Routing { Experts = 6, Chosen = 2, Score = RouterScore.Sigmoid, Groups = 3, ChosenGroups = 1 });
        Assert.That(_experts, Is.EqualTo((int[])[2, 3]));
    }

    [Test]
    public void Of_equal_scores_the_first_expert_is_chosen()
    {
        Choose([1, 1, 1, 1], new Routing { Experts = 4, Chosen = 2, Score = RouterScore.Softmax });
        Assert.That(_experts, Is.EqualTo((int[])[0, 1]));
    }

    private void Choose(float[] logits, Routing routing, float[]? correction = null) =>
        ReferenceRouter.Choose(logits, routing, correction, _experts, _weights);
}
