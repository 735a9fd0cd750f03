using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Tests.Systems;

internal sealed class OneAdapterGateTests
{
    private readonly List<int> _switched = [];
    private OneAdapterGate _gate = null!;

    [SetUp]
    public void Make()
    {
        _switched.Clear();
        _gate = new OneAdapterGate(_switched.Add);
    }

    [Test]
    public void Requests_of_the_running_adapter_pass_older_ones_of_others()
    {
        Arrive(1, 2, 1);

        Assert.That(Admitted(), Is.EqualTo(new[] { 0, 2 }));
        Assert.That(_switched, Is.EqualTo(new[] { 1 }));
    }

    [Test]
    public void The_next_adapter_runs_when_nobody_runs_any_more()
    {
        Arrive(1, 2, 1);
        Admitted();
        _gate.Leave(0);

        Assert.That(Admitted(), Is.Empty);

        _gate.Leave(2);

        Assert.That(Admitted(), Is.EqualTo(new[] { 1 }));
        Assert.That(_switched, Is.EqualTo(new[] { 1, 2 }));
    }

    [Test]
    public void Nobody_joins_beyond_so_many_older_requests_of_others()
    {
        Arrive([1, .. Enumerable.Repeat(2, OneAdapterGate.Passed + 1), 1]);

        Assert.That(Admitted(), Is.EqualTo(new[] { 0 }));
    }

    [Test]
    public void The_same_adapter_is_not_switched_to_again()
    {
        Arrive(1);
        Admitted();
        _gate.Leave(0);
        _gate.Arrive(1, new TraceRequest(0, 1, 1, 1));

        Assert.That(Admitted(), Is.EqualTo(new[] { 1 }));
        Assert.That(_switched, Is.EqualTo(new[] { 1 }));
    }

    private void Arrive(params int[] adapters)
    {
        for (int i = 0; i < adapters.Length; i++)
        {
            _gate.Arrive(i, new TraceRequest(0, adapters[i], 1, 1));
        }
    }

    private List<int> Admitted()
    {
        List<int> admitted = [];
        while (_gate.TryAdmit() is { } number)
        {
            admitted.Add(number);
        }

        return admitted;
    }
}
