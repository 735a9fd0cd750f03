using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Tests.Systems;

internal sealed class RegionGateTests
{
    private readonly List<int> _evicted = [];

    [SetUp]
    public void Forget() => _evicted.Clear();

    [Test]
    public void A_request_whose_adapter_finds_no_place_is_passed_over()
    {
        RegionGate gate = Gate(adapterPages: 2, cachePages: 100);
        Arrive(gate, 1, 2, 3, 1);

        Assert.That(Admitted(gate), Is.EqualTo(new[] { 0, 1, 3 }));
        Assert.That(_evicted, Is.Empty);
    }

    [Test]
    public void The_adapter_goes_that_was_used_longest_ago_and_that_nobody_runs_with()
    {
        RegionGate gate = Gate(adapterPages: 2, cachePages: 100);
        Arrive(gate, 1, 2, 3);
        Admitted(gate);
        gate.Leave(1);

        Assert.That(Admitted(gate), Is.EqualTo(new[] { 2 }));
        Assert.That(_evicted, Is.EqualTo(new[] { 2 }));
    }

    [Test]
    public void A_request_without_room_for_keys_and_values_holds_back_those_behind_it()
    {
        // 10 + 7 − 1 tokens take four pages of four.
        RegionGate gate = Gate(adapterPages: 10, cachePages: 7);
        Arrive(gate, 1, 2, 3);

        Assert.That(Admitted(gate), Is.EqualTo(new[] { 0 }));

        gate.Leave(0);

        Assert.That(Admitted(gate), Is.EqualTo(new[] { 1 }));
    }

    [Test]
    public void The_base_needs_no_place()
    {
        RegionGate gate = Gate(adapterPages: 0, cachePages: 100);
        Arrive(gate, TraceRequest.Base, 1);

        Assert.That(Admitted(gate), Is.EqualTo(new[] { 0 }));
    }

    private RegionGate Gate(int adapterPages, int cachePages) =>
        new(adapterPages, cachePages, _ => 1, tokens => (tokens + 3) / 4, _evicted.Add);

    private static void Arrive(RegionGate gate, params int[] adapters)
    {
        for (int i = 0; i < adapters.Length; i++)
        {
            gate.Arrive(i, new TraceRequest(0, adapters[i], 10, 7));
        }
    }

    private static List<int> Admitted(RegionGate gate)
    {
        List<int> admitted = [];
        while (gate.TryAdmit() is { } number)
        {
            admitted.Add(number);
        }

        return admitted;
    }
}
