# [services, tasks] -> lines "place<TAB>rule": `vip <network>`, `lb <network>`, `ingress`, `host`.
# libnetwork names a load-balancer namespace after the first nine characters of its network.

def spread($match; $addresses; $port):
  ($addresses | length) as $count
  | range($count) as $i
  | (if $i < $count - 1 then " -m statistic --mode random --probability \(1 / ($count - $i))" else "" end) as $chance
  | "-A SHIM \($match)\($chance) -j DNAT --to-destination \($addresses[$i])\($port)";

def bare: sub("/.*"; "");

.[0] as $services | .[1] as $tasks
| ($tasks
  | map(select(.DesiredState == "running" and .Status.State == "running"))
  | sort_by(.ID) | group_by(.ServiceID)
  | map({key: .[0].ServiceID, value: map(.NetworksAttachments // [] | .[] | {network: .Network.ID, address: (.Addresses[0] // "" | bare)})})
  | from_entries) as $attachments
| $services | sort_by(.ID)[]
| .ID as $id | .Endpoint as $endpoint
| def addresses($network): [$attachments[$id] // [] | .[] | select(.network == $network and .address != "") | .address];
  ( $endpoint.VirtualIPs // [] | .[] | select(.NetworkID != $ingress and (.Addr // "") != "")
    | .NetworkID[0:9] as $name | (.Addr | bare) as $vip
    | "vip \($name)\t\($vip)", "lb \($name)\t\(spread("-d \($vip)/32"; addresses(.NetworkID); ""))" ),
  ( $endpoint.Ports // [] | .[] | select(.PublishMode == "ingress" and .PublishedPort)
    | addresses($ingress) as $to | select($to | length > 0)
    | "ingress\t\(spread("-i eth1 -p \(.Protocol) --dport \(.PublishedPort)"; $to; ":\(.TargetPort)"))",
      "host\t-A SHIM -p \(.Protocol) --dport \(.PublishedPort) -m addrtype --dst-type LOCAL -j DNAT --to-destination \($gateway):\(.PublishedPort)" )
