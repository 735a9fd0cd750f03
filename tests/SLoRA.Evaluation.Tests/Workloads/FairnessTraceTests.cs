using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Tests.Workloads;

/// <summary>The expected numbers are those of numpy 1.24.2 under the VTC artifact's generators with seed 42.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class FairnessTraceTests
{
    [Test]
    public void Clients_at_fixed_intervals_are_those_of_the_original()
    {
        Trace trace = new FairnessTrace { Rates = [1.5, 3], Seconds = 360 }.Uniform();

        Check(trace, 1620, [(0.650238, 1, 256, 256), (0.91636, 0, 256, 256), (0.983571, 1, 256, 256)], 360.316905, 414720, 414720, 1080);
    }

    [Test]
    public void Eight_clients_with_lengths_are_those_of_the_original()
    {
        Trace trace = new FairnessTrace
        {
            Rates = [0.4, 0.4, 0.4, 0.6, 0.6, 0.6, 0.6, 0.6],
            Seconds = 60,
            Shortest = 8,
            Below = 512,
        }.Uniform();

        Check(trace, 252, [(2.265819, 7, 293, 198), (2.412972, 4, 115, 381), (2.427558, 3, 48, 22)], 62.348747, 66385, 67439, 972);
    }

    [Test]
    public void A_client_that_is_on_and_off_is_that_of_the_original()
    {
        Trace trace = new FairnessTrace { Rates = [0.5, 2], Seconds = 300, OnOff = 60 }.Uniform();

        Check(trace, 689, [(0.975357, 1, 256, 256), (1.475357, 1, 256, 256), (1.975357, 1, 256, 256)], 300.475357, 176384, 176384, 600);
    }

    [Test]
    public void A_client_that_asks_for_more_and_more_is_that_of_the_original()
    {
        Trace trace = new FairnessTrace { Rates = [1, 2], Seconds = 300, Shortest = 8, Below = 512 }.Increasing();

        Check(trace, 630, [(1, 0, 110, 254), (2, 0, 443, 331), (3, 0, 356, 446)], 300.585478, 163200, 162868, 330);
    }

    [Test]
    public void Short_requests_beside_long_ones_are_those_of_the_original()
    {
        Trace trace = new FairnessTrace { Rates = [1, 1], Seconds = 300, Shortest = 8, Below = 512 }.Bursts(1, FairnessTrace.Quarter);

        Check(trace, 600, [(0.159846, 0, 3, 102), (3.08561, 1, 473, 43), (3.363331, 1, 99, 292)], 301.004853, 100495, 98429, 312);
    }

    [Test]
    public void Requests_with_swapped_lengths_are_those_of_the_original()
    {
        Trace trace = new FairnessTrace { Rates = [1, 2], Seconds = 300, Shortest = 8, Below = 512 }.Bursts(2, FairnessTrace.Swapped);

        Check(trace, 900, [(0.468713, 1, 158, 433), (0.497087, 1, 92, 250), (0.497376, 1, 154, 378)], 285.727899, 239446, 230405, 590);
    }

    private static void Check(
        Trace trace, int count, (double Arrival, int Client, int Prompt, int Output)[] first, double last, int prompts, int outputs,
        int clients) => Assert.Multiple(() =>
    {
        Assert.That(trace.Requests, Has.Count.EqualTo(count));
        for (int i = 0; i < first.Length; i++)
        {
            Assert.That(trace.Requests[i].Arrival, Is.EqualTo(first[i].Arrival).Within(5e-7));
            Assert.That(
                (trace.Requests[i].Adapter, trace.Requests[i].Prompt, trace.Requests[i].Output),
                Is.EqualTo((first[i].Client, first[i].Prompt, first[i].Output)));
        }

        Assert.That(trace.Requests[^1].Arrival, Is.EqualTo(last).Within(5e-7));
        Assert.That(trace.Requests.Sum(request => request.Prompt), Is.EqualTo(prompts));
        Assert.That(trace.Requests.Sum(request => request.Output), Is.EqualTo(outputs));
        Assert.That(trace.Requests.Sum(request => request.Adapter), Is.EqualTo(clients));
    });
}
